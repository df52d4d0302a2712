"""ZooKeeper and etcd servers for tests: on free ports, with their data in a temporary folder, in memory where possible."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from _servers import START_TIMEOUT, MissingError, _folder, _free_port, _or_missing, _program

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LOG4J = """log4j.rootLogger=WARN, C
log4j.appender.C=org.apache.log4j.ConsoleAppender
log4j.appender.C.layout=org.apache.log4j.PatternLayout
log4j.appender.C.layout.ConversionPattern=%d %p %c %m%n
"""


class TreeServer:
    """A server process; ended by its process id, and with it its data."""

    def __init__(
        self, command: Sequence[str], folder: Path, port: int, answers: Callable[[int], bool]
    ) -> None:
        self.address = f"127.0.0.1:{port}"
        self.port = port
        self._command = command
        self._folder = folder
        self._answers = answers
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.remove)

    def start(self) -> None:
        """Start the process, and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self._folder
            )
        deadline = time.monotonic() + START_TIMEOUT
        while not self._answers(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.05)

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> None:
        """End the process; its data stays."""
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
        shutil.rmtree(self._folder, ignore_errors=True)


@cache
def zookeeper() -> str:
    """Return the address (host:port) of a ZooKeeper server for this test session."""
    return os.environ.get("APSCHEDULER_TEST_ZOOKEEPER") or _started(make_zookeeper)


@cache
def etcd() -> str:
    """Return the address (host:port) of an etcd server for this test session."""
    return os.environ.get("APSCHEDULER_TEST_ETCD") or _started(make_etcd)


def restartable_zookeeper() -> TreeServer:
    """Return a ZooKeeper server that only the caller uses, who starts it, and removes it at the end."""
    return _or_missing(make_zookeeper)


def restartable_etcd() -> TreeServer:
    """Return an etcd server that only the caller uses, who starts it, and removes it at the end."""
    return _or_missing(make_etcd)


def empty(url: str, path: str) -> None:
    """Remove what a store has at `path`, from zookeeper://host:port or etcd://host:port."""
    kind, _, address = url.partition("://")
    if kind == "zookeeper":
        from kazoo.client import KazooClient

        client = KazooClient(address)
        client.start()
        for folder in (path, f"{path}.state"):
            if client.exists(folder):
                client.delete(folder, recursive=True)
        client.stop()
        client.close()
        return
    from apscheduler.jobstores._etcd_client import text64
    from apscheduler.jobstores.etcd import EtcdClient

    host, _, port = address.partition(":")
    etcd_client = EtcdClient(host, int(port))
    for start in (path, f"state:{path}"):
        body = {"key": text64(f"{start}/".encode()), "range_end": text64(f"{start}0".encode())}
        etcd_client.request("kv/deleterange", body)
    etcd_client.close()


def _started(make: Callable[[], TreeServer]) -> str:
    server = _or_missing(make)
    server.start()
    return server.address


def make_zookeeper() -> TreeServer:
    java = _program("java")
    jars = [path for path in ("/usr/share/java/zookeeper.jar",) if Path(path).exists()]
    if not jars:
        raise MissingError("zookeeper is not installed, and APSCHEDULER_TEST_ZOOKEEPER names no server")
    folder, port = _folder("zookeeper", None), _free_port()
    (folder / "zoo.cfg").write_text(
        f"dataDir={folder}/data\nclientPort={port}\nclientPortAddress=127.0.0.1\ntickTime=500\n"
        "maxClientCnxns=0\nadmin.enableServer=false\n4lw.commands.whitelist=ruok\nforceSync=no\n"
    )
    (folder / "log4j.properties").write_text(LOG4J)
    command = [
        str(java), "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
        "-Dzookeeper.admin.enableServer=false", "-Dzookeeper.forceSync=no",
        "-cp", f"{folder}:{':'.join(jars)}",
        "org.apache.zookeeper.server.ZooKeeperServerMain", f"{folder}/zoo.cfg",
    ]  # fmt: skip
    return TreeServer(command, folder, port, _zookeeper_answers)


def _zookeeper_answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as conn:
            conn.sendall(b"ruok")
            return conn.recv(4) == b"imok"
    except OSError:
        return False


def make_etcd() -> TreeServer:
    return _make_etcd("http", [], None)


def etcd_with_tls(folder: Path) -> tuple[TreeServer, dict[str, str]]:
    """Return an etcd server that asks for a certificate, not started yet, and the arguments of a client that has one.

    The certificate is made in `folder`.
    """
    return _or_missing(lambda: _make_etcd_with_tls(folder))


def _make_etcd_with_tls(folder: Path) -> tuple[TreeServer, dict[str, str]]:
    openssl, health = _program("openssl"), _free_port()
    cert, key = f"{folder}/cert.pem", f"{folder}/key.pem"
    subprocess.run(
        [
            str(openssl), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    options = ["--cert-file", cert, "--key-file", key, "--client-cert-auth", "--trusted-ca-file", cert]
    options += ["--listen-metrics-urls", f"http://127.0.0.1:{health}"]
    return _make_etcd("https", options, health), {"ca_cert": cert, "cert_cert": cert, "cert_key": key}


def _make_etcd(scheme: str, options: Sequence[str], health: int | None) -> TreeServer:
    program = _program("etcd")
    folder, port, peer = _folder("etcd", None), _free_port(), _free_port()
    own, other = f"{scheme}://127.0.0.1:{port}", f"http://127.0.0.1:{peer}"
    command = [
        str(program), "--data-dir", f"{folder}/data", "--listen-client-urls", own, "--advertise-client-urls", own,
        "--listen-peer-urls", other, "--initial-advertise-peer-urls", other, "--initial-cluster", f"default={other}",
        "--unsafe-no-fsync", *options,
    ]  # fmt: skip
    return TreeServer(command, folder, port, lambda own: _etcd_answers(health or own))


def _etcd_answers(port: int) -> bool:
    from http.client import HTTPConnection, HTTPException

    conn = HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        conn.request("GET", "/health")
        return b"true" in conn.getresponse().read()
    except (OSError, HTTPException):
        return False
    finally:
        conn.close()
