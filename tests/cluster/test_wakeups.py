"""How soon a scheduler starts what another process has added, and that it asks for nothing while there is nothing."""

from __future__ import annotations

import re
import statistics
import threading
import time
from collections import Counter

import pytest
from cluster_jobs import nothing
from sqlalchemy import event

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler

LEASE = 3.0


def delays(cluster, count: int) -> list[float]:
    """Return the seconds from before each of some jobs was added until it was started in the other process."""
    cluster.start(lease=LEASE)
    found = []
    with cluster.scheduler() as scheduler:
        for number in range(count):
            added = time.time()
            scheduler.add_job(nothing, id=f"j{number}")
            [run] = cluster.until(lambda number=number: cluster.runs(f"j{number}", "succeeded"))
            found.append(run.started - added)
    print(f"median {statistics.median(found) * 1000:.1f} ms, longest {max(found) * 1000:.1f} ms")  # noqa: T201
    return found


@pytest.mark.parametrize("backend", ["postgresql", "zookeeper", "etcd"])
def test_where_the_server_tells_of_it_a_job_that_another_process_adds_starts_at_once(cluster, backend):
    found = delays(cluster, 15)
    assert min(found) < 0.02  # a busy machine is slower, but not always
    assert statistics.median(found) < 0.2


@pytest.mark.parametrize("backend", ["rethinkdb"])
def test_where_what_stands_in_for_the_server_tells_of_it_ten_times_a_second_it_is_not_polled(
    cluster, backend
):
    assert statistics.median(delays(cluster, 5)) < 0.4


@pytest.mark.parametrize("backend", ["sqlite", "mariadb", "mongodb"])
def test_where_it_is_polled_it_starts_within_about_a_second(cluster, backend):
    assert statistics.median(delays(cluster, 3)) < 1.2 + 0.3


class Statements:
    """Counts the statements that a scheduler's store makes, by what they do to which table."""

    def __init__(self, cluster, lease: float) -> None:
        self.store = SQLAlchemyJobStore(cluster.url, tablename="cluster")
        self.scheduler = BackgroundScheduler(jobstores={"default": self.store}, timezone="UTC", lease=lease)
        self.scheduler.start()
        self.made: Counter[str] = Counter()
        event.listen(self.store.engine, "before_cursor_execute", self._count)

    def _count(self, conn, cursor, statement, parameters, context, executemany) -> None:
        verb = statement.split(None, 1)[0]
        tables = re.findall(r"\b(?:FROM|INTO|UPDATE) (\w+)", statement)
        self.made[f"{verb} {' '.join(tables)}"] += 1


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_a_scheduler_that_is_alone_and_has_nothing_to_do_makes_no_statements_but_its_heartbeat(cluster):
    quiet, beating = Statements(cluster, lease=3600), None
    try:
        quiet.scheduler.add_job(nothing, "interval", hours=1, id="later")
        time.sleep(0.3)  # until it has looked at what was just added
        quiet.made.clear()
        threading.Event().wait(1.5)  # longer than it polls where it is not alone
        assert quiet.made == {}
        quiet.scheduler.shutdown()

        beating = Statements(cluster, lease=1.5)
        threading.Event().wait(1.7)
        beats = sum(
            count for what, count in beating.made.items() if "cluster_nodes" in what and "SELECT" not in what
        )
        assert beats >= 2
        # Who else is there and runs what, its own beat, what is to be repeated, and whether something was added.
        assert beating.made.total() <= 6 * (beats + 1), beating.made
    finally:
        for one in (quiet, beating):
            if one is not None and one.scheduler.running:
                one.scheduler.shutdown()
