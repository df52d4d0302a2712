import logging

import pytest
from _tree_tests import TreeTests, added
from kazoo.client import KazooClient
from kazoo.exceptions import KazooException

import _tree_servers
from apscheduler.jobstores.zookeeper import ZooKeeperJobStore
from apscheduler.testing._jobstore_tools import NOW, StandIn, claim_of, runs_of, stored, won
from apscheduler.testing.jobstore import JobStoreContract


@pytest.fixture(scope="module")
def zookeeper():
    """Return a connected client; its thread draws random numbers, which property tests of other files must not see."""
    client = KazooClient(_tree_servers.zookeeper())
    client.start()
    yield client
    client.stop()
    client.close()


@pytest.fixture
def path(zookeeper):
    yield "/contract"
    for path in ("/contract", "/contract.state"):
        zookeeper.delete(path, recursive=True)


class TestZooKeeper(JobStoreContract):
    @pytest.fixture
    def open_node(self, zookeeper, path):
        return lambda: ZooKeeperJobStore(path, client=zookeeper)


class TestZooKeeperBesides(TreeTests):
    @pytest.fixture
    def open_node(self, path):
        return lambda: ZooKeeperJobStore(path, hosts=_tree_servers.zookeeper())

    @pytest.fixture
    def client_error(self):
        return KazooException

    @pytest.fixture
    def restartable(self):
        server = _tree_servers.restartable_zookeeper()
        yield server, lambda: ZooKeeperJobStore(hosts=server.address)
        server.remove()

    @pytest.fixture
    def write_document(self, zookeeper, path):
        def write(name, value):
            zookeeper.ensure_path(f"{path}/{name}")
            zookeeper.set(f"{path}/{name}", value)

        return write

    @pytest.fixture
    def remove_document(self, zookeeper, path):
        return lambda name: zookeeper.delete(f"{path}/{name}")

    @pytest.fixture
    def read_document(self, zookeeper, path):
        return lambda name: zookeeper.get(f"{path}/{name}")[0]

    def test_an_empty_leaf_stays_until_nobody_holds_its_version(self, opened, zookeeper, path, monkeypatch):
        store = opened()
        won(store, claim_of(added(store, at=NOW - 10**9), then=None))
        leaves = zookeeper.get_children(f"{path}.state/due")
        assert len(leaves) == 1
        store._index.tidy()
        assert zookeeper.get_children(f"{path}.state/due") == leaves
        monkeypatch.setattr(store._tree, "rest_of_empty", 0.0)
        store._index.tidy()
        assert zookeeper.get_children(f"{path}.state/due") == []
        won(store, claim_of(added(store, at=NOW - 10**9), then=None))

    def test_a_session_that_was_lost_is_followed_by_another(self, opened):
        store = opened()
        row = added(store)
        # Whoever knows a session's id and password can end it.
        double = KazooClient(_tree_servers.zookeeper(), client_id=store.client.client_id)
        double.start()
        double.stop()
        double.close()
        for _ in range(20):
            try:
                won(store, claim_of(row))
                break
            except KazooException:
                continue
        assert stored(store).revision == row.revision + 1
        assert len(runs_of(store)) == 1

    def test_a_client_that_was_passed_in_stays_connected_and_one_made_here_does_not(self, zookeeper, path):
        given, own = (
            ZooKeeperJobStore(path, client=zookeeper),
            ZooKeeperJobStore(path, hosts=_tree_servers.zookeeper()),
        )
        for store in (given, own):
            store.start(StandIn(), "default")
            store.shutdown()
        assert zookeeper.connected
        assert not own.client.connected

    def test_the_client_says_nothing_about_each_try_to_connect(self, restartable, caplog):
        server, open_on = restartable
        server.start()
        store = open_on()
        store.start(StandIn(), "default")
        server.stop()
        with caplog.at_level(logging.WARNING), pytest.raises(KazooException):
            store.read_jobs()
        assert [record for record in caplog.records if "onnect" in record.getMessage()] == []
        store.shutdown()


def test_a_path_must_be_given():
    with pytest.raises(ValueError, match='"path" parameter must not be empty'):
        ZooKeeperJobStore("")
