import pytest
from pymongo import MongoClient

from _mongo_server import mongodb_url
from apscheduler.jobstores.mongodb import MongoDBJobStore
from apscheduler.testing._jobstore_tools import StandIn, added, stored
from apscheduler.testing.jobstore import JobStoreContract


@pytest.fixture
def client():
    with MongoClient(mongodb_url()) as client:
        client.drop_database("contract")
        yield client
        client.drop_database("contract")


class TestMongoDB(JobStoreContract):
    @pytest.fixture
    def open_node(self, client):
        return lambda: MongoDBJobStore("contract", client=client)


def test_a_client_that_is_passed_in_is_left_open_and_one_made_here_is_closed(client):
    given, own = MongoDBJobStore("contract", client=client), MongoDBJobStore("contract", host=mongodb_url())
    for store in (given, own):
        store.start(StandIn(), "default")
        store.shutdown()
    assert client.contract.jobs.count_documents({}) == 0
    with pytest.raises(Exception, match="after close"):
        own.client.contract.jobs.count_documents({})


def test_a_document_as_3x_writes_it_is_read_and_replaced(client):
    store = MongoDBJobStore("contract", client=client)
    store.start(StandIn(), "default")
    row = added(store)
    store.collection.replace_one(
        {"_id": "j"}, {"_id": "j", "next_run_time": row.next_run_time, "job_state": row.definition}
    )
    assert stored(store) == row._replace(revision=0)
    assert store.replace_job(stored(store))
    assert stored(store).revision == 1
