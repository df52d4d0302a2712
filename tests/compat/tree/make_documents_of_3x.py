"""Writes the documents that the tests of this folder read; run with a Python that has APScheduler 3.11.3 and its clients.

python make_documents_of_3x.py ZOOKEEPER_HOST:PORT ETCD_HOST:PORT documents-3.11.3.json
"""

import base64
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import etcd3
from kazoo.client import KazooClient

from apscheduler.jobstores.etcd import EtcdJobStore
from apscheduler.jobstores.zookeeper import ZooKeeperJobStore
from apscheduler.schedulers.background import BackgroundScheduler


def add_jobs(store):
    scheduler = BackgroundScheduler(timezone="Europe/Berlin")
    scheduler.add_jobstore(store)
    scheduler.start(paused=True)
    add = scheduler.add_job
    start = datetime(2030, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC)
    add("os.path:join", "date", ["a", "b"], run_date=start, id="date", misfire_grace_time=None)
    add(
        "builtins:dict", "interval", [[("k", 1)]], {"x": "ü"}, id="interval", name="näme", minutes=90,
        start_date=start, jitter=5, max_instances=3, coalesce=False, next_run_time=start,
    )  # fmt: skip
    add("time:time", "cron", day_of_week="mon-fri", hour="6", minute="30", id="cron", misfire_grace_time=3600,
        next_run_time=datetime(2030, 1, 2, 5, 30, tzinfo=UTC))  # fmt: skip
    add("time:time", "interval", hours=1, id="paused", next_run_time=None)
    add(
        "time:time",
        "interval",
        hours=1,
        id="ünïcødé with blank",
        next_run_time=datetime(2030, 2, 1, tzinfo=UTC),
    )
    shown = {
        job.id: [
            job.next_run_time and job.next_run_time.timestamp(),
            str(job.trigger),
            job.name,
            list(job.args),
        ]
        for job in scheduler.get_jobs()
    }
    scheduler.shutdown()
    return shown


def main(zookeeper, etcd, target):
    host, _, port = etcd.partition(":")
    found = {}
    jobs = add_jobs(ZooKeeperJobStore("/recorded", hosts=zookeeper))
    client = KazooClient(zookeeper)
    client.start()
    documents = {name: client.get(f"/recorded/{name}")[0] for name in client.get_children("/recorded")}
    found["zookeeper"] = {"jobs": jobs, "documents": documents}
    client.stop()
    jobs = add_jobs(EtcdJobStore("/recorded", host=host, port=int(port)))
    pairs = etcd3.client(host=host, port=int(port)).get_prefix("/recorded")
    documents = {meta.key.decode().removeprefix("/recorded/"): value for value, meta in pairs}
    found["etcd"] = {"jobs": jobs, "documents": documents}
    for kind in found.values():
        kind["documents"] = {k: base64.b64encode(v).decode() for k, v in kind["documents"].items()}
    Path(target).write_text(
        json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )


main(*sys.argv[1:])
