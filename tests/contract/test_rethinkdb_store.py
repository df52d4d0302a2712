import warnings

import pytest

from _document_servers import rethinkdb_address, skip_races_on_a_stand_in
from apscheduler.testing._jobstore_tools import StandIn, added, stored
from apscheduler.testing.jobstore import JobStoreContract

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # because the driver uses what newer Pythons warn of
    from rethinkdb import r

    from apscheduler.jobstores.rethinkdb import RethinkDBJobStore


@pytest.fixture
def connection():
    connection = r.connect(*rethinkdb_address())
    if "contract" in r.db_list().run(connection):
        r.db_drop("contract").run(connection)
    yield connection
    connection.close(noreply_wait=False)


class TestRethinkDB(JobStoreContract):
    @pytest.fixture
    def open_node(self, request, connection):
        skip_races_on_a_stand_in(request, "rethinkdb", "APSCHEDULER_TEST_RETHINKDB_URL")
        host, port = rethinkdb_address()
        return lambda: RethinkDBJobStore("contract", host=host, port=port)


def test_a_connection_that_is_passed_in_is_left_open(connection):
    store = RethinkDBJobStore("contract", client=connection)
    store.start(StandIn(), "default")
    store.shutdown()
    assert connection.is_open()


def test_a_document_as_3x_writes_it_is_read_and_replaced(connection):
    store = RethinkDBJobStore("contract", client=connection)
    store.start(StandIn(), "default")
    row = added(store)
    table = r.db("contract").table("jobs")
    table.get("j").replace(
        {"id": "j", "next_run_time": row.next_run_time, "job_state": r.binary(row.definition)}
    ).run(connection)
    assert stored(store) == row._replace(revision=0)
    assert store.replace_job(stored(store))
    assert stored(store).revision == 1
