"""Redis servers for tests: on free ports, with their data in a temporary folder."""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import time
from functools import cache
from shutil import rmtree, which

import pytest
import redis

import _servers
from _servers import MissingError, as_user

START_TIMEOUT = 30.0


class RedisServer:
    """A server process that was started here; ended by its process id, and with it its data."""

    def __init__(self, *options: str) -> None:
        program = which("redis-server")  # as it is called, because one program has several names
        if program is None:
            raise MissingError("redis-server is not installed, and no URL of a server is in the environment")
        self._user = _servers._unprivileged("redis", "nobody")
        self.folder = _servers._folder("redis", self._user)
        self.port = free_port()
        self._command = [
            program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "",
            "--appendonly", "no", *options,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.remove)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> RedisServer:
        """Start the process, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd="/",
                **as_user(self._user),
            )
        end = time.monotonic() + START_TIMEOUT
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.02)
        return self

    def send(self, what: signal.Signals) -> None:
        """Send the process a signal, to stop it for a while and have it go on."""
        assert self._process is not None
        self._process.send_signal(what)

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> None:
        """End the process; its data stays where it persists."""
        if self._process is not None:
            self._process.send_signal(with_signal)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def remove(self) -> None:
        """End the process and remove its data."""
        self.stop(signal.SIGKILL)
        rmtree(self.folder, ignore_errors=True)

    def client(self, **options: object) -> redis.Redis:
        """Return a client, which the caller closes."""
        return redis.Redis(port=self.port, **options)

    def _answers(self) -> bool:
        client = self.client(socket_timeout=5)
        try:
            return bool(client.ping()) and client.info("persistence")["loading"] == 0
        except redis.exceptions.RedisError:
            return False
        finally:
            client.close()


def redis_server(*options: str) -> RedisServer:
    """Return a server that only the caller uses, who removes it at the end; skip or fail where there is none."""
    try:
        return RedisServer(*options).start()
    except MissingError as exc:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(exc))


@cache
def redis_url() -> str:
    """Return the URL of a server for this test session."""
    return os.environ.get("APSCHEDULER_TEST_REDIS_URL") or redis_server().url


@cache
def redis_cluster_port() -> int:
    """Return the port of a cluster of one server that has all slots, for this test session."""
    bus = str(free_port())
    server = redis_server(
        "--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-announce-ip", "127.0.0.1"
    )
    client = server.client()
    client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
    end = time.monotonic() + START_TIMEOUT
    while client.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
        assert time.monotonic() < end
        time.sleep(0.02)
    client.close()
    return server.port


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    # A server of a cluster takes the port 10,000 above as well, which has to exist.
    return port if port < 55_000 else free_port()
