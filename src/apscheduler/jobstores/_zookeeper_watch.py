"""Being told by ZooKeeper that something has changed.

A watch of ZooKeeper fires once and is gone, and is gone with the connection too. So a thread sets it again: after it
has fired, and whenever there is a connection anew. It sleeps otherwise. The callbacks come from that thread, because a
thread of the client must not wait for an answer of the server.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread, current_thread
from typing import Any

from apscheduler._clock import SYSTEM

CALM = 1.0
"""Seconds between two looks at the names of all jobs, so that many additions in a row are looked at once."""

RETRY = 1.0


class ZooKeeperWatch:
    """Watches one znode's data, and another's children."""

    def __init__(
        self,
        client: Any,
        ready: Callable[[], Any],
        data_path: str,
        own: bytes,
        on_data: Callable[[], None],
        children_path: str,
        on_children: Callable[[], None],
    ) -> None:
        self._client = client
        self._ready = ready
        self._own = own
        self._data_path = data_path
        self._on_data = on_data
        self._children_path = children_path
        self._on_children = on_children
        self._wake = Event()
        self._ended = Event()
        self._data = self._children = True
        self._told = True
        self._version: int | None = None
        self._looked = float("-inf")
        self._thread = Thread(target=self._run, name="APScheduler-zookeeper-watch", daemon=True)

    def start(self) -> Callable[[], None]:
        """Start the thread, which sets the watches, and return what ends it."""
        self._client.add_listener(self._state_changed)
        self._wake.set()
        self._thread.start()
        return self._end

    def _end(self) -> None:
        self._client.remove_listener(self._state_changed)
        self._ended.set()
        self._wake.set()
        if self._thread is not current_thread():
            self._thread.join(5)

    # -- from the client's threads ---------------------------------------------------------------------------

    def _state_changed(self, state: str) -> None:
        if state == "CONNECTED":
            self._data = self._children = self._told = True
            self._wake.set()

    def _data_fired(self, _: Any) -> None:
        self._data = True
        self._wake.set()

    def _children_fired(self, _: Any) -> None:
        self._children = True
        self._wake.set()

    # -- in the thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        timeout = None
        while True:
            self._wake.wait(timeout)
            self._wake.clear()
            if self._ended.is_set():
                return
            try:
                timeout = self._look()
            except Exception:  # of any kind: when there is a connection again, all is looked at
                timeout = RETRY
                self._told = True

    def _look(self) -> float | None:
        """Do what is to be done, and return after how many seconds there is more to do."""
        told, self._told = self._told, False
        if self._data:
            self._data = False
            try:
                told = self._set_data_watch() or told
            except Exception:
                self._data = True
                raise
        if told:
            self._on_data()
        if not self._children:
            return None
        wait = self._looked + CALM - SYSTEM.monotonic()
        if wait > 0:
            return wait
        self._children = False
        try:
            self._set_children_watch()
        except Exception:
            self._children = True
            raise
        self._on_children()
        return None

    def _set_data_watch(self) -> bool:
        """Watch the data, and return whether others have written it since."""
        value, stat = self._ready().get(self._data_path, watch=self._data_fired)
        before, self._version = self._version, stat.version
        if before is None or stat.version == before:
            return False
        # Where more than one has written it, only the last of them shows.
        return bool(stat.version != before + 1 or value != self._own)

    def _set_children_watch(self) -> None:
        self._looked = SYSTEM.monotonic()
        self._ready().get_children(self._children_path, watch=self._children_fired)
