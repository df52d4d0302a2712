import pytest
from pymongo import MongoClient

from _mongo_server import changes_url, mongodb_url
from apscheduler.jobstores.mongodb import MongoDBJobStore
from apscheduler.testing._jobstore_wakeups import WakeupsContract
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


class TestMongoDBChanges(WakeupsContract):
    """What a replica set tells: on one named in the environment, or on the stand-in."""

    @pytest.fixture
    def open_node(self):
        with MongoClient(changes_url()) as client:
            client.drop_database("contract")
            yield lambda: MongoDBJobStore("contract", client=client)
            client.drop_database("contract")
