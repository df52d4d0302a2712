"""Hearing from PostgreSQL that another process has added or changed a job: LISTEN on a connection of its own.

Who changes a job notifies the channel of its table within the same transaction, so that what is heard can be read. A
connection that breaks is opened again; what was missed meanwhile is made up for by one more reading. Servers between
us and the database that hand out connections for one transaction each (pgbouncer in that mode) swallow LISTEN: then
changes are seen with the heartbeat.
"""

from __future__ import annotations

import logging
import selectors
import socket
import zlib
from collections.abc import Callable
from threading import Event, Thread, current_thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

DRIVERS = ("psycopg",)
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
ENDING = 5.0
"""Seconds to wait for the thread at the end; a connection that is being opened may take longer."""


def channel_of(tablename: str, schema: str | None) -> str:
    """Return the name of the channel of a table; it must be no longer than 63 bytes."""
    name = f"{schema}.{tablename}" if schema else tablename
    return f"apscheduler_{zlib.crc32(name.encode()):08x}"


class Listener:
    """Calls `heard()` from a thread of its own, once it listens, and then for each notification that is not `own`."""

    def __init__(
        self, engine: Engine, channel: str, own: str, heard: Callable[[], None], logger: logging.Logger
    ) -> None:
        self._engine = engine
        self._channel = channel
        self._own = own.encode()
        self._heard = heard
        self._logger = logger
        self._ended = Event()
        self._bell, self._ear = socket.socketpair()
        self._thread = Thread(target=self._run, name="APScheduler-listen", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread and its connection; without effect the second time."""
        if not self._ended.is_set():
            self._ended.set()
            self._bell.close()  # which the other end hears
            if self._thread is not current_thread():
                self._thread.join(ENDING)

    def _run(self) -> None:
        pause = FIRST_PAUSE
        try:
            while not self._ended.is_set():
                try:
                    connection = self._connect()
                    pause = FIRST_PAUSE
                    try:
                        self._listen(connection)
                    finally:
                        connection.close()
                except Exception:
                    # The turn reports an outage; here it only means that changes are heard of a little later.
                    self._logger.debug(
                        "Not listening for changes", exc_info=True, extra={"event": "listening_failed"}
                    )
                    self._ended.wait(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
        finally:
            self._ear.close()

    def _connect(self) -> Any:
        """Return a connection of the driver that the pool does not count, and that listens."""
        pooled = self._engine.raw_connection()
        connection: Any = pooled.driver_connection
        pooled.detach()
        try:
            connection.rollback()
            connection.autocommit = True
            connection.execute(f'LISTEN "{self._channel}"')
        except BaseException:
            connection.close()
            raise
        return connection

    def _listen(self, connection: Any) -> None:
        self._heard()  # because of what happened while nobody listened
        server = connection.pgconn
        with selectors.DefaultSelector() as selector:
            selector.register(server.socket, selectors.EVENT_READ)
            selector.register(self._ear, selectors.EVENT_READ)
            while not self._ended.is_set():
                selector.select()
                server.consume_input()  # which raises where the connection is gone
                told = False
                while (notification := server.notifies()) is not None:
                    told = told or notification.extra != self._own
                if told and not self._ended.is_set():
                    self._heard()
