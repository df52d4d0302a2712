"""Documents that 3.11.3 wrote to ZooKeeper and etcd are read in place, and run."""

import base64
import json
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

import _tree_servers
from apscheduler.events import EVENT_JOB_EXECUTED
from apscheduler.jobstores._etcd_client import text64
from apscheduler.jobstores.etcd import EtcdClient, EtcdJobStore
from apscheduler.jobstores.zookeeper import ZooKeeperJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.testing._jobstore_tools import StandIn

PATH = "/recorded"
RECORDED = json.loads((Path(__file__).parent / "documents-3.11.3.json").read_text(encoding="utf-8"))


@pytest.fixture(params=["zookeeper", "etcd"])
def kind(request):
    return request.param


@pytest.fixture
def make_store(kind):
    """Put the documents into a server, and return what makes a store on them."""
    documents = {name: base64.b64decode(text) for name, text in RECORDED[kind]["documents"].items()}
    address = getattr(_tree_servers, kind)()
    if kind == "zookeeper":
        store = ZooKeeperJobStore(PATH, hosts=address)
        store.client.start()
        for name, value in documents.items():
            store.client.create(f"{PATH}/{name}", value, makepath=True)
        store.client.stop()
        store.client.close()
        yield lambda: ZooKeeperJobStore(PATH, hosts=address)
    else:
        host, _, port = address.partition(":")
        client = EtcdClient(host, int(port))
        for name, value in documents.items():
            client.request("kv/put", {"key": text64(f"{PATH}/{name}".encode()), "value": text64(value)})
        client.close()
        yield lambda: EtcdJobStore(PATH, host=host, port=int(port))
    _tree_servers.empty(f"{kind}://{address}", PATH)


def test_every_job_is_listed_as_3x_lists_it(kind, make_store):
    store = make_store()
    store.start(StandIn(), "default")
    shown = {
        job.id: [
            job.next_run_time and job.next_run_time.timestamp(),
            str(job.trigger),
            job.name,
            list(job.args),
        ]
        for job in store.get_all_jobs()
    }
    store.shutdown()
    assert json.loads(json.dumps(shown)) == RECORDED[kind]["jobs"]


def test_a_scheduler_runs_a_job_of_3x(make_store):
    ran = threading.Event()
    scheduler = BackgroundScheduler(timezone="UTC", jobstores={"default": make_store()})
    scheduler.add_listener(lambda event: ran.set(), EVENT_JOB_EXECUTED)
    scheduler.start(paused=True)
    scheduler.modify_job("interval", next_run_time=datetime.now(UTC), misfire_grace_time=None)
    scheduler.resume()
    assert ran.wait(20)
    scheduler.shutdown()
