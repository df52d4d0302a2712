"""What schedulers that share a Redis server tell each other, and how much they ask of it."""

import threading

import pytest
import redis

from _redis_server import redis_cluster_port, redis_server, redis_url
from apscheduler.jobstores.redis import RedisJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.testing._jobstore_tools import LATER, StandIn, added, row_of, stored

PATIENCE = 20.0


class Bell:
    """Counts how often it was rung, and waits for it."""

    def __init__(self):
        self._rung = threading.Semaphore(0)

    def ring(self):
        self._rung.release()

    def rang(self, within=PATIENCE):
        return self._rung.acquire(timeout=within)


@pytest.fixture
def opened():
    stores = []

    def open_store(**options):
        stores.append(RedisJobStore(**(options or {"url": redis_url()})))
        stores[-1].start(StandIn(), "default")
        return stores[-1]

    yield open_store
    for store in stores:
        store.delete_jobs(None)
        store.shutdown()


def connections_that_listen(store):
    return store.redis.client_list(_type="pubsub")


def test_a_job_that_another_store_adds_or_changes_is_told_and_an_own_one_is_not(opened):
    store, other, bell = opened(), opened(), Bell()
    end = store.subscribe(bell.ring)
    assert bell.rang()  # because something may have happened before it listens
    added(store, "own")
    added(other, "paused", None)
    assert not bell.rang(0.1)
    added(other)
    assert bell.rang()
    assert store.replace_job(stored(store)._replace(next_run_time=LATER))
    assert not bell.rang(0.1)
    assert other.replace_job(stored(other)._replace(next_run_time=LATER))
    assert bell.rang()
    end()
    added(other, "after the end")
    assert not bell.rang(0.1)


def test_a_subscription_that_was_cut_off_comes_back_and_calls(opened):
    store, other, bell = opened(), opened(), Bell()
    store.subscribe(bell.ring)
    assert bell.rang()
    for _ in range(2):
        [listening] = connections_that_listen(store)
        other.redis.client_kill_filter(_id=listening["id"])
        assert bell.rang()  # because something may have been told in between
    added(other)
    assert bell.rang()


def test_a_subscription_survives_a_restart_of_its_server():
    server, bell = redis_server(), Bell()
    store, other = RedisJobStore(port=server.port), RedisJobStore(port=server.port)
    store.subscribe(bell.ring)
    assert bell.rang()
    server.stop()
    server.start()
    assert bell.rang()
    added(other)
    assert bell.rang()
    server.stop()
    store.shutdown()
    other.shutdown()
    server.remove()


def test_a_subscription_may_begin_while_the_server_is_away():
    server, bell = redis_server(), Bell()
    server.stop()
    store = RedisJobStore(port=server.port)
    store.subscribe(bell.ring)
    server.start()
    assert bell.rang()
    store.shutdown()
    server.remove()


def test_shutting_down_ends_subscriptions(opened):
    store, other = opened(), opened()
    before = threading.active_count()
    store.subscribe(lambda: None)
    assert threading.active_count() == before + 1
    store.shutdown()
    assert threading.active_count() == before
    assert connections_that_listen(other) == []


def test_channels_of_two_databases_and_of_other_keys_are_apart(opened):
    store, bell = opened(), Bell()
    store.subscribe(bell.ring)
    assert bell.rang()
    port = store.redis.connection_pool.connection_kwargs["port"]
    for options in ({"db": 1}, {"jobs_key": "other.jobs", "run_times_key": "other.run_times"}):
        added(opened(port=port, **options))
    assert not bell.rang(0.1)


def test_changes_are_told_in_a_cluster(opened):
    bell = Bell()
    [store, other] = [opened(host="127.0.0.1", port=redis_cluster_port(), cluster=True) for _ in range(2)]
    store.subscribe(bell.ring)
    assert bell.rang()
    added(other)
    assert bell.rang()


def test_a_scheduler_that_has_nothing_to_do_asks_nothing_of_the_server():
    server = redis_server()
    watch = redis.Redis(port=server.port)

    def commands():
        return watch.info("stats")["total_commands_processed"]

    scheduler = BackgroundScheduler(jobstores={"default": RedisJobStore(port=server.port)}, timezone="UTC")
    scheduler.start()
    scheduler.add_job(print, "interval", hours=1)
    threading.Event().wait(0.3)  # until it sleeps
    before = commands()
    threading.Event().wait(1.2)
    assert commands() == before + 1  # which is ours
    scheduler.shutdown()
    watch.close()
    server.remove()


def test_a_batch_is_one_call_of_the_server_whatever_its_size(opened):
    from apscheduler.testing._jobstore_tools import NOW, claim_of, done, keys_of

    store = opened()
    store.insert_jobs([row_of(store, f"j{n}") for n in range(300)])

    def calls(act):
        before = store.redis.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]
        act()
        return store.redis.info("commandstats")["cmdstat_evalsha"]["calls"] - before

    claims = [claim_of(row) for row in store.read_due(NOW, 300).rows]
    store.claim("n0", [])
    assert calls(lambda: store.read_due(NOW, 300)) == 1
    assert (
        calls(lambda: store.claim("n1", claims)) <= 2
    )  # one more where the server has to be told the script
    assert calls(lambda: store.claim("n1", claims)) == 1
    assert calls(lambda: store.finish([done(key) for claim in claims for key in keys_of(claim)])) <= 2
    assert calls(lambda: store.delete_jobs([claim.job_id for claim in claims])) <= 2
    store.prune_runs(LATER, 0)
