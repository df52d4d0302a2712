"""Claims under every isolation level that a server offers: some transactions are given up, and are then done again."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from apscheduler._core.claims import Claim, Finish, JobRow, NewRun, RunKey, RunQuery
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.testing._jobstore_tools import NOW, StandIn

NODES = 4
JOBS = 60
ROUNDS = 5


def by_default(level: str) -> dict:
    """Have the server take that level where nobody asks for one, as for a statement without a transaction."""
    return {"connect_args": {"options": f"-c default_transaction_isolation={level}"}}


LEVELS = {
    "postgresql-repeatable-read": {"isolation_level": "REPEATABLE READ"},
    "postgresql-serializable": {"isolation_level": "SERIALIZABLE"},
    "postgresql-repeatable-read-by-default": by_default("repeatable\\ read"),
    "postgresql-serializable-by-default": by_default("serializable"),
    "mariadb-repeatable-read": {"isolation_level": "REPEATABLE READ"},
    "mariadb-serializable": {"isolation_level": "SERIALIZABLE"},
}


@pytest.fixture(params=LEVELS)
def nodes(request, emptied):
    options = LEVELS[request.param]
    url = request.getfixturevalue(f"{request.param.partition('-')[0]}_url")
    tablename = emptied(url)
    stores = [SQLAlchemyJobStore(url, tablename=tablename, engine_options=options) for _ in range(NODES)]
    for store in stores:
        store.start(StandIn(), "default")
    yield stores
    for store in stores:
        store.shutdown()


def test_each_claim_is_won_by_one_node_and_each_outcome_is_written(nodes):
    nodes[0].insert_jobs([JobRow(f"j{number}", NOW, 1, b"job") for number in range(JOBS)])
    together = threading.Barrier(NODES)

    def work(number: int) -> list[tuple[str, int]]:
        store, node, won = nodes[number], f"n{number}", []
        for step in range(ROUNDS):
            together.wait(30)
            rows = store.read_due(NOW + step, JOBS).rows
            then = NOW + step + 1
            claims = [Claim(row.job_id, row.revision, then, [NewRun(row.next_run_time)]) for row in rows]
            mine = [claims[index] for index in store.claim(node, claims)]
            won += [(claim.job_id, claim.revision) for claim in mine]
            store.finish(
                [
                    Finish(
                        RunKey(claim.job_id, claim.revision, claim.runs[0].run_time), "succeeded", then, then
                    )
                    for claim in mine
                ]
            )
        return won

    with ThreadPoolExecutor(NODES) as pool:
        won = Counter(key for keys in pool.map(work, range(NODES)) for key in keys)
    assert set(won.values()) == {1}
    # A node that reads when another has claimed already finds nothing due, so each round is used up by all together.
    assert won.total() == JOBS * ROUNDS
    runs = nodes[0].read_runs(RunQuery(limit=None))
    assert len(runs) == JOBS * ROUNDS
    assert {run.status for run in runs} == {"succeeded"}
