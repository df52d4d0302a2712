"""Connections to real servers that are cut before, during and after a commit: what was written is done once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from _fault_parts import RAN, RETRY, Held, beat, note, outages, watch
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

sys.path.insert(0, str(Path(__file__).parents[1]))

import _servers
from _tcp_proxy import AFTER, BEFORE, DURING, CuttingProxy
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore

TABLE = "cut"
MOMENTS = [BEFORE, DURING, AFTER]

# What is on the wire: the statement that a step is known by, and the message that commits it. On PostgreSQL a claim
# and a batch of outcomes are one statement, which is its own transaction.
COMMITS = {
    "postgresql": {
        "claim": (b"WITH given AS", b"WITH given AS"),
        "finish": (b"UPDATE cut_runs", b"UPDATE cut_runs"),
        "claim_reruns": (b"INSERT INTO cut_runs", b"COMMIT"),
    },
    "mariadb": {
        "claim": (b"INSERT INTO cut_runs", b"COMMIT"),
        "finish": (b"ON DUPLICATE KEY UPDATE status", b"COMMIT"),
        "claim_reruns": (b"INSERT INTO cut_runs", b"COMMIT"),
    },
}


class Line(NamedTuple):
    """A server, reached directly and through a proxy."""

    url: str
    proxy: CuttingProxy
    commits: dict[str, tuple[bytes, bytes]]

    def cut(self, step: str, when: str) -> None:
        self.proxy.arm(*self.commits[step], when)

    def store(self) -> SQLAlchemyJobStore:
        through = make_url(self.url).set(port=self.proxy.port)
        return SQLAlchemyJobStore(through, tablename=TABLE)

    def direct(self) -> SQLAlchemyJobStore:
        return SQLAlchemyJobStore(self.url, tablename=TABLE)


@pytest.fixture(params=COMMITS)
def line(request) -> Iterator[Line]:
    url = {"postgresql": _servers.postgresql_url, "mariadb": _servers.mariadb_url}[request.param]()
    port = make_url(url).port
    assert port is not None
    proxy = CuttingProxy(port)
    yield Line(url, proxy, COMMITS[request.param])
    proxy.close()
    engine = create_engine(url)
    with engine.begin() as conn:
        for suffix in ("", "_runs", "_nodes", "_numbers"):
            conn.exec_driver_sql(f"DROP TABLE IF EXISTS {TABLE}{suffix}")
    engine.dispose()


def outcomes(scheduler) -> list[tuple[int, str]]:
    return [(run.attempt, run.status) for run in reversed(scheduler.get_runs(limit=None))]


@pytest.mark.parametrize("when", MOMENTS)
@pytest.mark.parametrize("step", ["claim", "finish"])
def test_a_run_whose_claim_or_outcome_was_cut_off_is_started_once_and_recorded_once(
    start, line, step, when, caplog
):
    scheduler = start(line.store())
    scheduler.add_job(note, "interval", seconds=60, args=["a"], id="j", misfire_grace_time=None)
    line.cut(step, when)
    scheduler.pass_time(60)
    assert line.proxy.cuts == 1
    assert RAN == ([] if step == "claim" else ["a"])
    scheduler.pass_time(RETRY)
    assert RAN == ["a"]
    assert outcomes(scheduler) == [(1, "succeeded")]
    scheduler.pass_time(60)
    assert RAN == ["a"] * 2
    assert outcomes(scheduler) == [(1, "succeeded")] * 2
    assert outages(caplog) == (1, 1)


@pytest.mark.parametrize("when", MOMENTS)
def test_the_last_run_of_many_jobs_is_started_once_each(start, line, when):
    scheduler = start(line.store())
    soon = scheduler.clock.now().replace(microsecond=0)
    scheduler.add_jobs(
        {
            "func": note,
            "trigger": "date",
            "run_date": soon,
            "args": [n],
            "id": f"{n}",
            "misfire_grace_time": None,
        }
        for n in range(50)
    )
    line.cut("claim", when)
    for _ in range(3):
        scheduler.turn()
        scheduler.pass_time(RETRY)
    assert line.proxy.cuts == 1
    assert sorted(RAN) == list(range(50))
    assert outcomes(scheduler) == [(1, "succeeded")] * 50


@pytest.mark.parametrize("when", MOMENTS)
def test_a_repetition_whose_claim_was_cut_off_is_started_once(start, line, when):
    first, second = start(line.direct()), start(line.store())
    held = [Held(), Held()]
    for scheduler, executor in zip((first, second), held, strict=True):
        scheduler.add_executor(executor, "held")
        beat(scheduler)
    first.add_job(note, "interval", seconds=600, id="j", executor="held", on_crash="rerun")
    first.clock.advance(seconds=600)
    first.turn()
    watch(second)
    line.cut("claim_reruns", when)
    second.turn()
    assert line.proxy.cuts == 1
    second.pass_time(RETRY)
    assert [submission.attempt for submission, _ in held[1].held if submission.attempt > 1] == [2]
    held[1].end_all()
    second.turn()
    assert (1, "interrupted") in outcomes(second)
    assert outcomes(second).count((2, "succeeded")) == 1
