"""What becomes of the Redis job store when its server, or the way to it, fails."""

import logging
import signal
import threading

import pytest
import redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, ReadOnlyError, TimeoutError
from redis.retry import Retry

from _cutting_proxy import CuttingProxy
from _redis_server import redis_server, redis_url
from apscheduler._core.claims import INTERRUPTED, RUNNING, SUCCEEDED, Claim, NewRun, RunQuery
from apscheduler.errors import JobUnreadableError
from apscheduler.jobstores.redis import RedisJobStore
from apscheduler.testing._jobstore_tools import (
    LATER,
    NOW,
    StandIn,
    added,
    claim_of,
    done,
    row_of,
    runs_of,
    stored,
    won,
)

UNREPEATED = Retry(NoBackoff(), 0)


@pytest.fixture
def server():
    server = redis_server("--appendonly", "yes", "--appendfsync", "always", "--repl-diskless-sync-delay", "0")
    yield server
    server.remove()


@pytest.fixture
def opened():
    """Return what opens stores on the server of the session, which are emptied and closed after the test."""
    stores = []

    def open_store(port=None, **options):
        where = {"url": redis_url()} if port is None else {"port": port}
        stores.append(RedisJobStore(**where, **options))
        stores[-1].start(StandIn(), "default")
        return stores[-1]

    yield open_store
    cleaner = redis.Redis.from_url(redis_url())
    cleaner.flushdb()
    cleaner.close()
    for store in stores:
        store.shutdown()


@pytest.fixture
def proxy():
    options = redis.connection.parse_url(redis_url())
    proxy = CuttingProxy(options["port"])
    yield proxy
    proxy.close()


# -- a connection that breaks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["before", "during", "after"])
def test_a_claim_whose_connection_broke_is_repeated_and_written_once(opened, proxy, where):
    store = opened(proxy.port, retry=UNREPEATED)
    row = added(store)
    claim = claim_of(row, runs=[NewRun(NOW)])
    proxy.cut(where)
    with pytest.raises(ConnectionError):
        store.claim("n1", [claim])
    assert stored(store).revision == row.revision + (where == "after")
    assert list(store.claim("n1", [claim])) == [0]
    assert stored(store).revision == row.revision + 1
    assert [run.node for run in runs_of(store)] == ["n1"]


@pytest.mark.parametrize("where", ["before", "during", "after"])
def test_what_a_client_repeats_by_itself_is_done_once_and_answered_as_at_first(opened, proxy, where):
    store = opened(proxy.port)
    proxy.cut(where)
    assert store.insert_jobs([row_of(store, "a"), row_of(store, "b")]) == []
    row = stored(store, "a")
    proxy.cut(where)
    assert store.replace_job(row._replace(next_run_time=LATER))
    assert stored(store, "a")[1:3] == (LATER, row.revision + 1)
    won(store, claim_of(stored(store, "b")), "n1")
    proxy.cut(where)
    assert [run.job_id for run in store.take_over("n1", LATER, "gone")] == ["b"]
    proxy.cut(where)
    assert store.delete_jobs(["a"]) == 1
    proxy.cut(where)
    assert store.delete_jobs(None) == 1
    assert proxy.cuts == 5


def test_an_outcome_whose_answer_was_lost_is_written_again_with_no_effect(opened, proxy):
    store = opened(proxy.port, retry=UNREPEATED)
    keys = won(store, claim_of(added(store)))
    proxy.cut("after")
    with pytest.raises(ConnectionError):
        store.finish([done(keys[0])])
    store.finish([done(keys[0])])
    assert [run.status for run in runs_of(store)] == [SUCCEEDED]


def test_an_idle_connection_that_died_does_not_fail_a_call(opened):
    store = opened()
    row = added(store)
    opened().redis.client_kill_filter(_type="normal", skipme=True)
    won(store, claim_of(row))


def test_scripts_that_the_server_has_forgotten_are_sent_again(opened):
    store = opened()
    row = added(store)
    store.redis.script_flush()
    won(store, claim_of(row))
    store.redis.script_flush()
    waiting = opened(wait_replicas=1, wait_timeout=0.01)
    with pytest.raises(TimeoutError, match="0 of 1 replicas"):  # but the script was run
        waiting.claim("n1", [claim_of(stored(store))])
    assert len(runs_of(store)) == 2


# -- a server that goes away -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_store_goes_on_after_its_server_was_restarted(server, opened, how):
    store = opened(server.port)
    row = added(store)
    other = claim_of(added(store, "other"))
    won(store, other)
    server.stop(how)
    with pytest.raises(ConnectionError):
        store.claim("n1", [claim_of(row)])
    server.start()
    won(store, claim_of(row))
    assert list(store.claim("n1", [other])) == [0]  # whose record the server has kept
    assert stored(store).revision == row.revision + 1


def test_a_server_that_does_not_answer_is_given_up_after_the_timeout(server, opened):
    store = opened(server.port, socket_timeout=0.2)
    row = added(store)
    server.send(signal.SIGSTOP)
    try:
        with pytest.raises(TimeoutError):
            store.read_due(NOW, 10)
    finally:
        server.send(signal.SIGCONT)
    won(store, claim_of(row))


def test_a_store_starts_while_its_server_is_away(server):
    server.stop()
    store = RedisJobStore(port=server.port)
    store.start(StandIn(), "default")
    with pytest.raises(ConnectionError):
        store.read_due(NOW, 10)
    server.start()
    added(store)
    store.shutdown()


# -- replicas ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def replica(server):
    replica = redis_server("--replicaof", "127.0.0.1", str(server.port))
    client = server.client()
    while client.info("replication").get("slave0", {}).get("state") != "online":
        threading.Event().wait(0.02)
    client.close()
    yield replica
    replica.remove()


def test_a_replica_says_that_the_primary_is_needed(replica, opened):
    store = opened(replica.port)
    for write in (
        lambda: store.insert_jobs([row_of(store)]),
        lambda: store.claim("n1", [Claim("j", 1, LATER, [NewRun(NOW)])]) or store.delete_jobs(["j"]),
    ):
        with pytest.raises(
            ReadOnlyError, match=f"127.0.0.1:{replica.port}|localhost:{replica.port}.*primary"
        ):
            write()
    assert store.read_due(NOW, 10).rows == []


def test_a_claim_counts_when_a_replica_has_it(server, replica, opened):
    store = opened(server.port, wait_replicas=1, wait_timeout=20, socket_timeout=30)
    hasty = opened(server.port, wait_replicas=1, wait_timeout=0.1)
    rows = [added(store, "a"), added(store, "b")]
    won(store, claim_of(rows[0]))
    copy = opened(replica.port)
    assert [run.job_id for run in copy.read_runs(RunQuery())] == ["a"]

    replica.send(signal.SIGSTOP)
    try:
        for _ in range(2):  # also where it was written before
            with pytest.raises(TimeoutError, match="0 of 1 replicas have confirmed"):
                hasty.claim("n1", [claim_of(rows[1])])
    finally:
        replica.send(signal.SIGCONT)
    won(store, claim_of(rows[1]))
    assert {run.job_id for run in copy.read_runs(RunQuery())} == {"a", "b"}


# -- what others have written ------------------------------------------------------------------------------------------


def test_what_is_no_job_is_kept_and_does_not_stop_the_others(opened):
    store = opened()
    added(store, "fine")
    store.redis.hset("apscheduler.jobs", mapping={b"\xff\xfe": b"rubbish", "more": b""})
    store.redis.zadd("apscheduler.run_times", {b"\xff\xfe": NOW - 1, "more": NOW - 2, "a ghost": NOW - 3})
    rows = store.read_due(NOW, 2).rows
    assert [row.job_id for row in rows] == ["more", "\udcff\udcfe"]
    for row in rows:
        with pytest.raises(JobUnreadableError):
            store.load(row)
    assert [row.job_id for row in store.read_due(NOW, 9).rows][2:] == ["fine"]
    assert {row.job_id for row in store.read_jobs()} == {"fine", "more", "\udcff\udcfe"}
    assert store.delete_jobs(["\udcff\udcfe"]) == 1


@pytest.mark.parametrize("rubbish", [b"", b"rubbish", b"\xff" * 60])
def test_rubbish_among_our_own_keys_costs_only_itself(opened, rubbish):
    store = opened()
    keys = won(store, claim_of(added(store)))
    store.finish([done(keys[0])])
    own = dict(zip(["revisions", "running", "runs"], store._server.keys.every[2:5], strict=True))
    store.redis.hset(own["revisions"], "j", rubbish)
    store.redis.hset(own["running"], mapping={"j": rubbish, "other": rubbish})
    store.redis.hset(store._server.keys.nodes, "n9", rubbish)
    (run_id,) = store.redis.hkeys(own["runs"])
    store.redis.hset(own["runs"], run_id, rubbish)

    assert store.read_nodes() == []
    assert store.read_runs(RunQuery()) == store.read_runs(RunQuery("j")) == []
    row = stored(store)
    assert row.revision == 0
    won(store, claim_of(row))
    assert [run.status for run in runs_of(store)] == [RUNNING]
    assert [run.status for run in store.take_over("n1", LATER, "gone")] == [INTERRUPTED]
    store.prune_runs(LATER * 2, 0)
    assert store.redis.hlen(own["runs"]) == 0


@pytest.mark.parametrize("number", range(17))
def test_a_key_that_holds_something_else_is_named_at_the_start(opened, number):
    store = opened()
    key = store._server.keys.every[number]
    store.redis.set(key, "mine")
    with pytest.raises(ValueError, match="holds a string, where a job store keeps a") as caught:
        store.start(StandIn(), "default")
    assert repr(key) in str(caught.value)


# -- what a server may do to its keys ----------------------------------------------------------------------------------


def test_a_server_that_may_evict_jobs_is_warned_of_once(server, opened, caplog):
    client = server.client()
    client.config_set("maxmemory", "1gb")
    for policy, warned in {"allkeys-lru": 1, "noeviction": 0, "volatile-lru": 0}.items():
        client.config_set("maxmemory-policy", policy)
        with caplog.at_level(logging.WARNING):
            added(opened(server.port), policy)
        assert len(caplog.records) == warned
        assert policy in caplog.text or not warned
        caplog.clear()
    client.close()


def test_a_user_without_rights_to_look_or_to_tell_can_use_the_store(server, opened, caplog):
    client = server.client()
    client.acl_setuser(
        "worker", enabled=True, nopass=True, keys=["*apscheduler.*"], commands=["+@all", "-@admin", "-info"],
        reset_channels=True,
    )  # fmt: skip
    client.close()
    store = opened(server.port, username="worker", password="any")
    won(store, claim_of(added(store)))
    assert store.subscribe(lambda: None) is None
    assert "tells this user of no changes" in caplog.text
