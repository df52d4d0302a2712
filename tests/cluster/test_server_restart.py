"""A server that is restarted while a scheduler works on it."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from _cluster import Cluster
from cluster_jobs import nothing

import _mongo_server
import _redis_server
import _rethink_server
import _servers


@pytest.fixture
def server(kind):
    if kind == "postgresql":
        server = _servers.restartable_postgresql()
        server.start()
    elif kind == "mongodb":
        server = _mongo_server.restartable_mongodb()
        server.url = _mongo_server.url_of(server)
        server.start()
    elif kind == "rethinkdb":
        server = _rethink_server.restartable_rethinkdb()
        server.start()
    else:  # which forgets what it has not written to its file
        server = _redis_server.redis_server("--appendonly", "yes", "--appendfsync", "always")
    yield server
    server.remove()


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("postgresql", signal.SIGINT),
        ("postgresql", signal.SIGQUIT),
        ("redis", signal.SIGTERM),
        ("redis", signal.SIGKILL),
        # Orderly alone, because the stand-in writes its file once a second.
        ("mongodb", signal.SIGTERM),
        ("rethinkdb", signal.SIGTERM),
        ("rethinkdb", signal.SIGKILL),
    ],
    ids=[
        "fast",
        "like a crash",
        "redis, orderly",
        "redis, killed",
        "mongodb, orderly",
        "rethinkdb, orderly",
        "rethinkdb, killed",
    ],
)
def test_a_scheduler_goes_on_by_itself_when_its_server_is_back(server, tmp_path, how):
    cluster = Cluster(server.url, tmp_path)
    try:
        with cluster.scheduler() as scheduler:
            scheduler.add_job(nothing, "interval", seconds=0.05, id="often")
            scheduler.add_job(nothing, "interval", seconds=0.05, id="each", coalesce=False)
        [process] = cluster.start()
        for _ in range(2):
            count = len(cluster.lines())
            cluster.until(lambda count=count: len(cluster.lines()) > count + 10)
            cluster.store.shutdown()  # so that no idle connection is used again
            server.stop(how)
            server.start()
        count = len(cluster.lines())
        cluster.until(lambda: len(cluster.lines()) > count + 10)
        cluster.stop(process)
        cluster.check_nothing_ran_twice()
        cluster.check_records_agree()
        cluster.check_no_due_time_is_missing("often", 0.05)
        cluster.check_no_due_time_is_missing("each", 0.05)
        assert Counter(run.status for run in cluster.runs()).keys() <= {"succeeded", "skipped"}
        assert cluster.log().count("does not answer") <= 2
    finally:
        cluster.close()
