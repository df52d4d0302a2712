"""The store on RethinkDB: the contract, and what it promises besides."""

import asyncio
import os
import threading

import pytest
import rethinkdb as rethinkdb_driver
from rethinkdb import RethinkDB
from rethinkdb.errors import ReqlDriverError

from _forks import in_child
from _rethink_server import drop, restartable_rethinkdb, rethinkdb
from apscheduler._core.claims import RUNNING, Claim, NewRun, RunQuery
from apscheduler.jobstores.rethinkdb import RethinkDBJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.testing._jobstore_tools import (
    LATER,
    NOW,
    StandIn,
    a_job,
    added,
    claim_of,
    done,
    keys_of,
    row_of,
    runs_of,
    stored,
    won,
)
from apscheduler.testing._jobstore_wakeups import Ear
from apscheduler.testing.jobstore import JobStoreContract

DATABASE = "contract"
r = RethinkDB()


def store_at(address, **options):
    host, _, port = address.partition(":")
    return RethinkDBJobStore(DATABASE, host=host, port=int(port), **options)


class TestRethinkDB(JobStoreContract):
    @pytest.fixture
    def open_node(self):
        yield lambda: store_at(rethinkdb())
        drop(rethinkdb(), DATABASE)


@pytest.fixture
def opened():
    stores = []

    def open_store(store=None):
        stores.append(store or store_at(rethinkdb()))
        stores[-1].start(StandIn(), "default")
        return stores[-1]

    yield open_store
    for store in stores:
        store.shutdown()
    drop(rethinkdb(), DATABASE)


@pytest.fixture
def connection():
    host, _, port = rethinkdb().partition(":")
    connection = r.connect(host, int(port))
    yield connection
    connection.close(noreply_wait=False)


def watched(store):
    """Return the list to which each query of a store is added, as text, when it is made."""
    queries = []
    connections = store._server.connections
    run = connections.run
    connections.run = lambda query, **options: queries.append(str(query)) or run(query, **options)
    return queries


# -- queries -------------------------------------------------------------------------------------------------


def test_what_is_due_and_the_runs_are_read_by_an_index(opened):
    store = opened()
    added(store)
    queries = watched(store)
    store.read_due(NOW, 10)
    store.read_share(NOW, 10, 0, 2)
    store.read_runs(RunQuery())
    store.read_runs(RunQuery("j", since=1.0, until=2.0))
    store.read_reruns(10)
    store.prune_runs(NOW, None)
    reading = [query for query in queries if ".table('" in query]
    assert reading
    assert [query for query in reading if "index=" not in query and ".get_all(" not in query] == []


def test_a_batch_is_claimed_and_recorded_in_a_few_queries(opened):
    store = opened()
    store.insert_jobs([row_of(store, f"j{n}") for n in range(100)])
    queries = watched(store)
    claims = [claim_of(row) for row in store.read_due(NOW, 100).rows]
    assert len(store.claim("n1", claims)) == 100
    store.finish([done(key) for claim in claims for key in keys_of(claim)])
    assert len(queries) < 20


def test_a_claim_that_is_lost_costs_no_other_of_its_batch(opened):
    store = opened()
    store.insert_jobs([row_of(store, f"j{n:03}") for n in range(250)])
    rows = store.read_due(NOW, 500).rows
    opened().claim("n2", [claim_of(row) for row in rows[::50]])
    claimed = store.claim("n1", [claim_of(row) for row in rows])
    assert set(range(250)) - set(claimed) == set(range(0, 250, 50))


def test_runs_are_found_by_the_time_that_they_were_for(opened):
    store = opened()
    for n in range(4):
        added(store, f"j{n}", NOW)
        store.record_runs("n1", [Claim(f"j{n}", 1, None, [NewRun(10.0 * n, "skipped", "late")])])
        store.record_runs("n1", [Claim("other", n, None, [NewRun(10.0 * n, "skipped", "late")])])

    def found(**query):
        return [(run.job_id, run.run_time) for run in store.read_runs(RunQuery(**query))]

    assert found(job_id="other", since=10.0, until=30.0) == [("other", 20.0), ("other", 10.0)]
    assert found(since=30.0) == [("other", 30.0), ("j3", 30.0)]
    assert found(until=10.0) == [("other", 0.0), ("j0", 0.0)]
    assert found(job_id="j2", limit=1) == [("j2", 20.0)]
    assert found(job_id="j") == []


def test_a_share_of_what_is_due_is_told_by_the_revisions(opened):
    store = opened()
    store.insert_jobs([row_of(store, f"j{n}", NOW - n) for n in range(10)])
    shares = [store.read_share(NOW, 10, part, 3).rows for part in range(3)]
    assert {row.job_id for share in shares for row in share} == {f"j{n}" for n in range(10)}
    for part, share in enumerate(shares):
        assert {row.revision % 3 for row in share} <= {part}
        assert list(share) == sorted(share, key=lambda row: row.next_run_time)
    assert len(store.read_share(NOW, 1, 0, 1).rows) == 1


def test_a_scheduler_that_is_alone_and_has_nothing_to_do_asks_the_server_nothing():
    store = store_at(rethinkdb())
    scheduler = BackgroundScheduler(jobstores={"default": store}, timezone="UTC", lease=3600)
    scheduler.start()
    scheduler.add_job(print, "interval", hours=1, id="later")
    threading.Event().wait(0.5)  # until it has looked at what was just added
    queries = watched(store)
    threading.Event().wait(1.5)  # longer than it polls where it is not alone
    assert queries == []
    scheduler.shutdown()
    drop(rethinkdb(), DATABASE)


# -- connections ---------------------------------------------------------------------------------------------


def test_a_call_does_not_wait_for_one_that_another_thread_makes(opened):
    store = opened()
    with store._server.connections._one():
        assert list(store.read_nodes()) == []


def test_a_connection_that_is_passed_in_is_used_and_left_open(opened, connection):
    store = opened(RethinkDBJobStore(DATABASE, client=connection))
    row = added(store)
    won(store, claim_of(row))
    assert store.conn is connection
    assert store.subscribe(lambda: None) is None
    store.shutdown()
    assert connection.is_open()


def test_a_textual_reference_to_a_connection_is_looked_up(opened, connection, monkeypatch):
    monkeypatch.setattr(os, "a_connection", connection, raising=False)
    assert opened(RethinkDBJobStore(DATABASE, client="os:a_connection")).conn is connection


def test_arguments_that_a_given_connection_makes_void_are_warned_of(connection):
    with pytest.warns(
        UserWarning, match="client is given to RethinkDBJobStore, so these say nothing: host, port"
    ):
        RethinkDBJobStore(client=connection, port=1, host="x")


def test_a_connection_for_an_event_loop_is_refused():
    other = RethinkDB()
    other.set_loop_type("asyncio")

    async def connect():
        connection = await other.connect(*rethinkdb().split(":"))
        await connection.close(noreply_wait=False)
        return connection

    connection = asyncio.run(connect())
    for given in (connection, 5):
        with pytest.raises(TypeError, match="client must be a blocking connection of rethinkdb"):
            RethinkDBJobStore(client=given)


def test_a_program_that_has_the_driver_make_connections_for_its_loop_has_a_store_all_the_same(
    opened, monkeypatch
):
    monkeypatch.setattr(rethinkdb_driver.r, "connection_type", None)
    rethinkdb_driver.r.set_loop_type("asyncio")
    assert added(opened())


@pytest.mark.parametrize("name", ["database", "table"])
def test_an_empty_name_is_refused(name):
    with pytest.raises(ValueError, match=f'The "{name}" parameter must not be empty'):
        RethinkDBJobStore(**{name: ""})


def test_what_the_client_library_takes_is_handed_to_it():
    with pytest.raises(Exception, match="SSL|ssl|certificate|No such file"):
        store_at(rethinkdb(), ssl={"ca_certs": "/nonexistent"}).start(StandIn(), "default")
    with pytest.raises(Exception, match="password"):
        store_at(rethinkdb(), auth_key="x", password="y").start(StandIn(), "default")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_the_child_of_a_fork_starts_anew_and_the_parent_goes_on(opened):
    store = opened()
    row = added(store)
    ear = Ear(store)

    def claim_in_child():
        store.forked()
        store.start(StandIn(), "default")
        won_there = list(store.claim("child", [claim_of(row)]))
        store.shutdown()
        return won_there

    assert in_child(claim_in_child) == [0]
    won(store, claim_of(stored(store), then=LATER))
    assert [run.node for run in runs_of(store)] == ["n1", "child"]
    ear.forget()
    added(store, "new")
    ear.wait()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_the_child_of_a_fork_does_not_use_a_connection_that_was_passed_in(opened, connection):
    store = opened(RethinkDBJobStore(DATABASE, client=connection))
    added(store)

    def start_in_child():
        store.forked()
        with pytest.raises(RuntimeError, match="was forked from"):
            store.start(StandIn(), "default")

    in_child(start_in_child)
    assert stored(store)


# -- a server that goes away ---------------------------------------------------------------------------------

# The driver does not close the socket of a connection that was lost, but leaves it to the garbage collector.
lost_sockets = pytest.mark.filterwarnings(
    "ignore:unclosed .socket:ResourceWarning",
    "ignore:Exception ignored in. .socket:pytest.PytestUnraisableExceptionWarning",
)


@pytest.fixture
def server():
    server = restartable_rethinkdb()
    server.start()
    yield server
    server.remove()


def again(act):
    """Do `act` as often as a scheduler would, until the server answers again."""
    for _ in range(30):
        try:
            return act()
        except ReqlDriverError:
            threading.Event().wait(0.1)
    return act()


@lost_sockets
@pytest.mark.parametrize("given", [False, True], ids=["connections of its own", "a connection passed in"])
def test_a_server_that_is_away_is_reported_by_the_drivers_exception_and_found_again(server, given):
    connection = r.connect("127.0.0.1", server.port)
    store = RethinkDBJobStore(DATABASE, client=connection) if given else store_at(server.address)
    store.start(StandIn(), "default")
    row = added(store)
    server.stop()
    for _ in range(2):
        with pytest.raises(ReqlDriverError):
            store.claim("n1", [claim_of(row)])
    server.start()
    again(lambda: won(store, claim_of(row)))
    assert [run.status for run in runs_of(store)] == [RUNNING]
    store.shutdown()
    connection.close(noreply_wait=False)


def test_a_server_that_is_down_at_the_start_is_reported():
    server = restartable_rethinkdb()
    with pytest.raises(ReqlDriverError, match="Could not connect"):
        store_at(server.address).start(StandIn(), "default")
    server.remove()


@lost_sockets
def test_a_subscription_survives_that_the_server_goes_away(server):
    store, other = store_at(server.address), store_at(server.address)
    for one in (store, other):
        one.start(StandIn(), "default")
    ear = Ear(store)
    server.stop()
    server.start()
    ear.wait()  # because something may have been missed
    ear.forget()
    again(lambda: other.read_nodes())
    added(other)
    ear.wait()
    for one in (store, other):
        one.shutdown()


# -- wake-ups ------------------------------------------------------------------------------------------------


def test_claims_and_outcomes_of_another_node_are_not_heard_of(opened):
    first, second = opened(), opened()
    row = added(second)
    ear = Ear(first)
    claim = claim_of(row, then=LATER)._replace(definition=second.dump(a_job(args=["new"])))
    won(second, claim)
    second.finish([done(key) for key in keys_of(claim)])
    assert second.delete_jobs(["j"]) == 1
    ear.forget()
    added(second, "last")
    ear.wait()
    assert ear.silent
