"""RethinkDB servers for tests: on free ports, with their data in a temporary folder.

Where there is no `rethinkdb`, reqlite stands in for it, which speaks its protocol. It keeps its data in memory and may
change a document that another query has just read; so it stands behind a gate that lets one query in at a time
(`rethink_gate.py`). To stop such a server is to stop the gate: its data outlives that.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
from functools import cache
from pathlib import Path

from _servers import MissingError, _folder, _free_port, _or_missing
from _tree_servers import TreeServer

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "apscheduler-tests"


class RethinkServer:
    """A server process that was started here; ended by its process id, and with it its data."""

    def __init__(self, gated: bool = True) -> None:
        folder, self.port = _folder("rethinkdb", None), _free_port()
        self._behind: TreeServer | None = None
        if program := shutil.which("rethinkdb"):
            command = [
                program, "--directory", f"{folder}/data", "--bind", "127.0.0.1", "--driver-port", str(self.port),
                "--cluster-port", str(_free_port()), "--no-http-admin", "--no-update-check",
            ]  # fmt: skip
        else:
            inner = _free_port() if gated else self.port
            command = [_reqlite(), f"--port-offset={inner - 28015}"]  # its own way to name a port
            if gated:
                self._behind = TreeServer(command, _folder("reqlite", None), inner, _accepts)
                command = [sys.executable, str(HERE / "rethink_gate.py"), str(self.port), str(inner)]
        self._server = TreeServer(command, folder, self.port, _accepts)

    @property
    def address(self) -> str:
        return self._server.address

    @property
    def url(self) -> str:
        return f"rethinkdb://{self.address}"

    def start(self) -> RethinkServer:
        """Start what is not running, and wait until it accepts connections."""
        if self._behind is not None and not _accepts(self._behind.port):
            self._behind.start()
        self._server.start()
        return self

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> None:
        """End the process; its data stays."""
        self._server.stop(with_signal)

    def freeze(self) -> None:
        self._server.freeze()

    def thaw(self) -> None:
        self._server.thaw()

    def remove(self) -> None:
        """End the processes and remove their data."""
        self._server.remove()
        if self._behind is not None:
            self._behind.remove()


def is_real() -> bool:
    """Return whether tests have a real server, and no stand-in."""
    return "APSCHEDULER_TEST_RETHINKDB_URL" in os.environ or shutil.which("rethinkdb") is not None


@cache
def rethinkdb() -> str:
    """Return the address (host:port) of a server for this test session."""
    if url := os.environ.get("APSCHEDULER_TEST_RETHINKDB_URL"):
        return url.rpartition("//")[2].strip("/")
    return restartable_rethinkdb().start().address


def restartable_rethinkdb() -> RethinkServer:
    """Return a server that only the caller uses, who starts it, and removes it at the end."""
    return _or_missing(RethinkServer)


def drop(address: str, database: str) -> None:
    """Remove a database, if there is one."""
    from rethinkdb import RethinkDB

    r = RethinkDB()
    host, _, port = address.partition(":")
    connection = r.connect(host, int(port))
    if database in r.db_list().run(connection):
        r.db_drop(database).run(connection)
    connection.close(noreply_wait=False)


def _reqlite() -> str:
    found = shutil.which("reqlite") or CACHE / "reqlite/node_modules/.bin/reqlite"
    if not Path(found).exists():
        raise MissingError(
            "neither rethinkdb nor reqlite is installed, and APSCHEDULER_TEST_RETHINKDB_URL names no server"
        )
    return str(found)


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
