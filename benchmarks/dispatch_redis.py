"""How many jobs a second run from a Redis server when all are due at once? Here the run log is written, too."""

import shutil
import socket
import subprocess
import tempfile
import time

import redis
from _tools import answer, dispatch

from apscheduler.jobstores.redis import RedisJobStore


def main(folder: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = [
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--dir",
        folder,
        "--save",
        "",
        "--appendonly",
        "no",
    ]
    server = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
    try:
        client = redis.Redis(port=port)
        while True:
            try:
                client.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.05)
        rate, recorded = dispatch(3_000, RedisJobStore(port=port))
        answer("run jobs from Redis", rate, "jobs/s", "higher", until_recorded=round(recorded))
    finally:
        server.kill()
        server.wait()


if shutil.which("redis-server"):  # where there is none, the question has no answer
    with tempfile.TemporaryDirectory() as folder:
        main(folder)
