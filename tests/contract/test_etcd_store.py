import pytest
from _tree_tests import TreeTests
from urllib3.exceptions import HTTPError

import _tree_servers
from apscheduler.jobstores._etcd_client import text64
from apscheduler.jobstores.etcd import EtcdClient, EtcdError, EtcdJobStore
from apscheduler.testing._jobstore_tools import StandIn, added, stored
from apscheduler.testing.jobstore import JobStoreContract


@pytest.fixture(scope="session")
def etcd():
    """Return a client."""
    client = client_of(_tree_servers.etcd())
    yield client
    client.close()


@pytest.fixture
def path(etcd):
    yield "/contract"
    _tree_servers.empty(f"etcd://{_tree_servers.etcd()}", "/contract")


def client_of(address):
    host, port = address.split(":")
    return EtcdClient(host, int(port), timeout=5)


class TestEtcd(JobStoreContract):
    @pytest.fixture
    def open_node(self, etcd, path):
        return lambda: EtcdJobStore(path, client=etcd)


class TestEtcdBesides(TreeTests):
    @pytest.fixture
    def open_node(self, path):
        host, port = _tree_servers.etcd().split(":")
        return lambda: EtcdJobStore(path, host=host, port=int(port))

    @pytest.fixture
    def client_error(self):
        return HTTPError

    @pytest.fixture
    def restartable(self):
        server = _tree_servers.restartable_etcd()
        yield server, lambda: EtcdJobStore(host="127.0.0.1", port=server.port)
        server.remove()

    @pytest.fixture
    def write_document(self, etcd, path):
        def write(name, value):
            etcd.request("kv/put", {"key": text64(f"{path}/{name}".encode()), "value": text64(value)})

        return write

    @pytest.fixture
    def remove_document(self, etcd, path):
        return lambda name: etcd.request("kv/deleterange", {"key": text64(f"{path}/{name}".encode())})

    @pytest.fixture
    def read_document(self, etcd, path):
        from base64 import b64decode

        def read(name):
            answer = etcd.request("kv/range", {"key": text64(f"{path}/{name}".encode())})
            return b64decode(answer["kvs"][0]["value"])

        return read

    def test_history_that_was_compacted_does_not_matter(self, opened, etcd):
        store = opened()
        added(store)
        end = store.subscribe(lambda: None)
        revision = etcd.request("kv/range", {"key": text64(b"x")})["header"]["revision"]
        etcd.request("kv/compaction", {"revision": revision})
        assert store.replace_job(stored(store))
        end()

    def test_what_the_server_refuses_is_told_with_its_message(self, etcd):
        with pytest.raises(EtcdError, match="etcd: .*key is not provided") as info:
            etcd.request("kv/put", {"value": text64(b"x")})
        assert info.value.code == 3

    def test_a_user_signs_in(self, restartable):
        server, _ = restartable
        server.start()
        root = client_of(server.address)
        root.request("auth/user/add", {"name": "root", "password": "secret"})
        root.request("auth/user/grant", {"user": "root", "role": "root"})
        root.request("auth/enable", {})
        root.close()
        store = EtcdJobStore(host="127.0.0.1", port=server.port, user="root", password="secret")
        store.start(StandIn(), "default")
        added(store)
        store.shutdown()
        stranger = EtcdJobStore(host="127.0.0.1", port=server.port)
        with pytest.raises(EtcdError):
            stranger.start(StandIn(), "default")
        stranger.shutdown()


def test_a_server_that_asks_for_a_certificate_is_shown_that_of_the_arguments(tmp_path):
    server, certificates = _tree_servers.etcd_with_tls(tmp_path)
    server.start()
    store = EtcdJobStore(host="127.0.0.1", port=server.port, **certificates)
    store.start(StandIn(), "default")
    added(store)
    store.shutdown()
    stranger = EtcdJobStore(host="127.0.0.1", port=server.port, ca_cert=certificates["ca_cert"], timeout=5)
    with pytest.raises((HTTPError, EtcdError, OSError)):
        stranger.start(StandIn(), "default")
    stranger.shutdown()
    server.remove()


def test_a_client_of_another_package_is_refused_with_what_to_do():
    with pytest.raises(
        TypeError, match=r"builtins.object.*pass an apscheduler.jobstores.etcd.EtcdClient, or host="
    ):
        EtcdJobStore(client=object())


def test_a_path_must_be_given():
    with pytest.raises(ValueError, match='"path" parameter must not be empty'):
        EtcdJobStore("")
