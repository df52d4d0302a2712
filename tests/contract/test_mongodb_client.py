"""The client of a MongoDB job store: who makes and closes it, what it is told, what becomes of it after a fork or a fault."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest
from pymongo import AsyncMongoClient, MongoClient, WriteConcern
from pymongo.errors import ConnectionFailure, InvalidOperation, ServerSelectionTimeoutError

from _forks import in_child
from _mongo_server import changes_url, make_mongodb, mongodb_url, restartable_mongodb, url_of
from _servers import _free_port
from _tcp_proxy import AFTER, BEFORE, DURING, CuttingProxy
from apscheduler.jobstores.mongodb import MongoDBJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.testing._jobstore_tools import LATER, StandIn, added, claim_of, done, runs_of, stored, won

CLIENT = MongoClient(connect=False)
"""What a textual reference names."""


@pytest.fixture
def client():
    with MongoClient(mongodb_url()) as client:
        client.drop_database("client")
        yield client
        client.drop_database("client")


@pytest.fixture
def opened(client):
    """Return what opens stores, which are shut down after the test."""
    stores = []

    def open_store(**options):
        store = MongoDBJobStore("client", **options)
        stores.append(store)
        store.start(StandIn(), "default")
        return store

    yield open_store
    for store in stores:
        store.shutdown()


# -- whose it is -------------------------------------------------------------------------------------------------------


def test_a_client_that_is_passed_in_is_left_open_and_one_made_here_is_closed(client, opened):
    given, own = opened(client=client), opened(host=mongodb_url())
    made_here = own.client
    for store in (given, own):
        store.shutdown()
    assert client.client.jobs.count_documents({}) == 0
    with pytest.raises(InvalidOperation, match="after close"):
        made_here.client.jobs.count_documents({})


def test_a_store_that_was_shut_down_can_be_started_again(client, opened):
    for store in (opened(client=client), opened(host=mongodb_url())):
        store.shutdown()
        store.start(StandIn(), "default")
        assert store.read_job("j") is None


def test_a_client_may_be_named_by_a_textual_reference():
    store = MongoDBJobStore(client=f"{__name__}:CLIENT")
    assert store.client is store.connection is CLIENT
    assert store.collection.full_name == "apscheduler.jobs"
    assert repr(store) == f"<MongoDBJobStore (client={CLIENT})>"


@pytest.mark.parametrize("given", [5, AsyncMongoClient], ids=["a number", "asynchronous"])
def test_what_is_no_blocking_client_is_refused_by_name(given):
    if given is AsyncMongoClient:
        given = AsyncMongoClient(connect=False)
    with pytest.raises(
        TypeError, match=r"client must be a blocking pymongo.MongoClient.* not (5|AsyncMongoClient)"
    ):
        MongoDBJobStore(client=given)


def test_arguments_beside_a_client_are_warned_about():
    with pytest.warns(UserWarning, match="so these say nothing: host, port"):
        MongoDBJobStore(client=CLIENT, host="elsewhere", port=1)


@pytest.mark.parametrize("name", ["database", "collection"])
def test_an_empty_name_is_refused(name):
    with pytest.raises(ValueError, match=f'"{name}" parameter must not be empty'):
        MongoDBJobStore(**{name: ""})


def test_a_store_is_made_by_its_name_with_the_arguments_of_a_client(client):
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_jobstore("mongodb", database="client", collection="own", host=mongodb_url())
    scheduler.start()
    scheduler.add_job(print, "interval", hours=1, id="j")
    scheduler.shutdown()
    assert [document["_id"] for document in client.client.own.find()] == ["j"]


# -- what it is told ---------------------------------------------------------------------------------------------------


def test_arguments_and_urls_go_to_the_client_and_win_over_defaults():
    plain = MongoDBJobStore().client.options
    assert (plain.server_selection_timeout, plain.pool_options.socket_timeout) == (5, 20)
    told = MongoDBJobStore(
        host="mongodb://u:p@h1,h2/?authSource=x&socketTimeoutMS=3000", serverSelectionTimeoutMS=70, tls=True
    ).client.options
    assert (told.server_selection_timeout, told.pool_options.socket_timeout) == (0.07, 3)
    assert told.pool_options._ssl_context is not None
    assert told.pool_options._credentials.username == "u"


def test_a_majority_confirms_what_is_written_unless_the_client_says_otherwise():
    assert MongoDBJobStore().collection.write_concern == WriteConcern("majority")
    assert MongoDBJobStore(client=CLIENT).collection.write_concern == WriteConcern("majority")
    assert MongoDBJobStore(w=1).collection.write_concern == WriteConcern(1)
    assert MongoDBJobStore(host="mongodb://h/?w=2&journal=true").collection.write_concern == WriteConcern(
        2, j=True
    )


def test_writes_that_nobody_confirms_are_refused():
    with pytest.raises(ValueError, match="without w=0"):
        MongoDBJobStore(w=0)


def test_it_reads_from_the_primary_whatever_the_client_prefers():
    store = MongoDBJobStore(readPreference="secondaryPreferred")
    assert store.collection.read_preference.mongos_mode == "primary"


def test_without_pymongo_it_is_said_which_extra_has_it():
    program = "import sys; sys.modules['pymongo'] = None; import apscheduler.jobstores.mongodb"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "MongoDBJobStore needs pymongo: pip install 'apscheduler[mongodb]'" in done.stderr


# -- forks -------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:MongoClient opened before fork")
@pytest.mark.parametrize("own", [True, False], ids=["own client", "client passed in"])
def test_the_child_of_a_fork_starts_anew_and_the_parent_goes_on(client, opened, own):
    store = opened(**({"host": mongodb_url()} if own else {"client": client}))
    row = added(store)

    def claim_in_child():
        store.forked()
        store.start(StandIn(), "default")
        return list(store.claim("child", [claim_of(row)])), runs_of(store)[0].id

    won_in_child, number = in_child(claim_in_child)
    assert won_in_child == [0]
    won(store, claim_of(stored(store), then=LATER))
    assert [run.node for run in runs_of(store)] == ["n1", "child"]
    assert number not in [run.id for run in runs_of(store) if run.node == "n1"]


# -- faults ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def proxy():
    host = MongoClient(mongodb_url(), connect=False)
    [(_, port)] = host.topology_description.server_descriptions()
    host.close()
    proxy = CuttingProxy(port)
    yield proxy
    proxy.close()


@pytest.mark.parametrize("where", [BEFORE, DURING, AFTER])
def test_a_claim_whose_connection_broke_is_repeated_and_written_once(opened, proxy, where):
    store = opened(port=proxy.port, retryWrites=False, directConnection=True)
    row = added(store)
    claim = claim_of(row)
    proxy.arm(b"", b"pending", where)
    with pytest.raises(ConnectionFailure):
        store.claim("n1", [claim])
    assert proxy.cuts == 1
    assert list(store.claim("n1", [claim])) == [0]
    assert stored(store).revision == row.revision + 1
    assert [run.node for run in runs_of(store)] == ["n1"]


@pytest.mark.parametrize("message", [b"insert", b"update"])
def test_an_outcome_whose_answer_was_lost_is_written_again_with_no_effect(opened, proxy, message):
    store = opened(port=proxy.port, retryWrites=False, directConnection=True)
    keys = won(store, claim_of(added(store)))
    proxy.arm(b"", message + b"\x00", AFTER)
    with pytest.raises(ConnectionFailure):
        store.finish([done(keys[0])])
    store.finish([done(keys[0])])
    assert [run.status for run in runs_of(store)] == ["succeeded"]
    assert store.collection.count_documents({"busy": True}) == 0


def test_a_server_that_is_away_is_told_by_the_clients_own_error():
    store = MongoDBJobStore(port=_free_port(), serverSelectionTimeoutMS=50)
    with pytest.raises(ServerSelectionTimeoutError):
        store.read_job("j")
    store.shutdown()


@pytest.fixture
def changing():
    """Return a server with change streams that only this test uses, not started; removed at the end."""
    changes_url()  # skips where there is no server
    server = make_mongodb("changes")
    yield server
    server.remove()


def test_a_subscription_survives_a_restart_of_the_server(changing, opened):
    if "APSCHEDULER_TEST_MONGODB_REPLICA_SET_URL" in os.environ:
        pytest.skip("a server that others use is not restarted")
    changing.start()
    listening, changed = [opened(host=url_of(changing), serverSelectionTimeoutMS=500) for _ in range(2)]
    heard = threading.Semaphore(0)
    listening.subscribe(heard.release)
    assert heard.acquire(timeout=20)
    changing.stop()
    changing.start()
    # The client may have found its place in the stream again by itself, and then nothing was missed and is told of.
    for number in range(40):
        while heard.acquire(blocking=False):
            pass
        added(changed, f"j{number}")
        if heard.acquire(timeout=0.5):
            break
    else:
        pytest.fail("what is added after the restart is not told of")


def test_a_subscription_begins_when_the_server_has_come(changing, opened):
    store = MongoDBJobStore("client", host=url_of(changing), serverSelectionTimeoutMS=50)
    heard = threading.Semaphore(0)
    try:
        store.subscribe(heard.release)
        assert not heard.acquire(blocking=False)
        changing.start()
        assert heard.acquire(timeout=20)
    finally:
        store.shutdown()


def test_what_was_kept_on_disk_is_there_after_a_restart(opened):
    server = restartable_mongodb()
    server.start()
    store = opened(host=url_of(server))
    row = added(store)
    server.stop()
    server.start()
    assert stored(opened(host=url_of(server))) == row
    server.remove()
