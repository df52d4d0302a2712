"""Database servers for tests: started on free ports, with their data in a temporary folder.

A server that runs already is used where its URL is in the environment. Where there is neither, a test that
needs one is skipped with the reason, and fails where CI is set, so that a green run means that it ran.
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

START_TIMEOUT = 60.0


def postgresql_url() -> str:
    """Return the URL of a PostgreSQL server for this test session."""
    return _url("APSCHEDULER_TEST_POSTGRESQL_URL", _start_postgresql)


def mariadb_url() -> str:
    """Return the URL of a MariaDB (or MySQL) server for this test session."""
    return _url("APSCHEDULER_TEST_MARIADB_URL", _start_mariadb)


def restartable_postgresql() -> Server:
    """Return a PostgreSQL server that only the caller uses, who starts it, and removes it at the end."""
    return _or_missing(_make_postgresql)


class MissingError(Exception):
    """A server's program is not installed."""


class Server:
    """A server process that was started here; ended by its process id, and with it its data."""

    def __init__(self, command: Sequence[str], folder: Path, port: int, url: str, user: str | None) -> None:
        self.url = url
        self._command = command
        self._folder = folder
        self._port = port
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process, and wait until it takes connections."""
        log = (self._folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, **as_user(self._user)
            )
        deadline = time.monotonic() + START_TIMEOUT
        while not _answers(self.url):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.05)

    def stop(self, with_signal: signal.Signals = signal.SIGINT) -> None:
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
        self.stop(signal.SIGQUIT if "postgres" in self._command[0] else signal.SIGKILL)
        shutil.rmtree(self._folder, ignore_errors=True)


def as_user(user: str | None) -> dict[str, Any]:
    """Return the arguments of `Popen` that start a process as `user`."""
    return {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


@cache
def _url(variable: str, start: Callable[[], str]) -> str:
    return os.environ.get(variable) or _or_missing(start)


def _or_missing(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except MissingError as exc:
        import pytest  # here, because the benchmarks use these servers without it

        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(exc))


def _start_postgresql() -> str:
    server = _make_postgresql()
    server.start()
    return server.url


def _make_postgresql() -> Server:
    initdb = _program("initdb", "/usr/lib/postgresql/*/bin", "/usr/local/opt/postgresql*/bin")
    user = _unprivileged("postgres", "nobody")
    folder, port = _folder("postgresql", user), _free_port()
    _run(
        [
            str(initdb),
            "-D",
            f"{folder}/data",
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
        ],
        user,
    )
    # What is lost with the machine does not matter here; what is lost with a process still does.
    fast = ["fsync=off", "full_page_writes=off", "max_connections=200", "unix_socket_directories="]
    options = [part for setting in [*fast, "listen_addresses=127.0.0.1"] for part in ("-c", setting)]
    command = [str(initdb.with_name("postgres")), "-D", f"{folder}/data", "-p", str(port), *options]
    server = Server(command, folder, port, f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres", user)
    atexit.register(server.remove)
    return server


def _start_mariadb() -> str:
    daemon = _program("mariadbd", "/usr/sbin", "/usr/libexec", "/usr/local/bin")
    install = _program("mariadb-install-db", "/usr/bin", "/usr/local/bin")
    user = _unprivileged("mysql", "nobody")
    folder, port = _folder("mariadb", user), _free_port()
    data = f"--datadir={folder}/data"
    _run(
        [
            str(install), "--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db",
            "--skip-name-resolve",
        ],
        user,
    )  # fmt: skip
    command = [
        str(daemon), "--no-defaults", data, f"--port={port}", f"--socket={folder}/socket", "--skip-log-bin",
        "--bind-address=127.0.0.1", "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0",
        "--innodb-buffer-pool-size=64M", f"--pid-file={folder}/pid", "--max-connections=200",
    ]  # fmt: skip
    server = Server(command, folder, port, f"mysql+pymysql://root@127.0.0.1:{port}/mysql", user)
    atexit.register(server.remove)
    server.start()
    return server.url.removesuffix("mysql") + _new_mysql_database(server.url)


def _new_mysql_database(url: str) -> str:
    from sqlalchemy import create_engine

    engine = create_engine(url)
    with engine.begin() as conn:
        conn.exec_driver_sql("CREATE DATABASE apscheduler")
    engine.dispose()
    return "apscheduler"


def _answers(url: str) -> bool:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DBAPIError

    engine = create_engine(url)
    try:
        with engine.connect():
            return True
    except DBAPIError:
        return False
    finally:
        engine.dispose()


def _program(name: str, *folders: str) -> Path:
    found = shutil.which(name)
    if found is not None:
        return Path(found).resolve()
    for pattern in folders:
        for path in sorted(Path("/").glob(f"{pattern[1:]}/{name}"), reverse=True):
            return path.resolve()
    raise MissingError(f"{name} is not installed, and no URL of a server is in the environment")


def _unprivileged(*names: str) -> str | None:
    """Return a user to start a server as, because none of them runs as root; None where this is not root."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    for name in names:
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise MissingError(f"a server is not started as root, and there is no user {' or '.join(names)}")


def _folder(name: str, user: str | None) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"apscheduler-{name}-"))
    if user is not None:
        shutil.chown(folder, user)
    return folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(command: Sequence[str], user: str | None) -> None:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False,
        cwd="/", **as_user(user),
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stdout.decode(errors="replace")[-2000:])
