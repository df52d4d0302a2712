"""Being told by etcd that something has changed: one request that goes on being answered, read by a thread.

It begins with what happens now, so there is nothing that a compaction could have removed; what happened while there was
no connection is not asked for either, but read anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event, Lock, Thread, current_thread
from typing import Any

from apscheduler.jobstores._etcd_client import EtcdClient, EtcdStream, text64

CHANGED = 1
DOCUMENTS = 2
FIRST_DELAY = 0.2
LONGEST_DELAY = 10.0


class EtcdWatch:
    """Watches one key, and a range of keys for what is put there."""

    def __init__(
        self,
        client: EtcdClient,
        key: bytes,
        own: bytes,
        on_key: Callable[[], None],
        first: bytes,
        end: bytes,
        on_range: Callable[[], None],
    ) -> None:
        self._client = client
        documents = {"key": text64(first), "range_end": text64(end), "watch_id": str(DOCUMENTS)}
        self._bodies: list[dict[str, Any]] = [
            {"create_request": {"key": text64(key), "watch_id": str(CHANGED)}},
            # What is removed is not due earlier, and every job that fires for the last time is.
            {"create_request": {**documents, "filters": ["NODELETE"]}},
        ]
        self._own = text64(own)
        self._on_key = on_key
        self._on_range = on_range
        self._ended = Event()
        self._lock = Lock()
        self._stream: EtcdStream | None = None
        self._thread = Thread(target=self._run, name="APScheduler-etcd-watch", daemon=True)

    def start(self) -> Callable[[], None]:
        """Start to watch, and return what ends it."""
        self._thread.start()
        return self._end

    def _end(self) -> None:
        self._ended.set()
        with self._lock:
            if self._stream is not None:
                self._stream.end()
        if self._thread is not current_thread():
            self._thread.join(5)

    def _run(self) -> None:
        delay = FIRST_DELAY
        while not self._ended.is_set():
            try:
                for answer in self._answers():
                    if self._take(answer):
                        delay = FIRST_DELAY
            except Exception:  # of any kind: it is watched again, and then all is looked at
                pass
            self._ended.wait(delay)
            delay = min(2 * delay, LONGEST_DELAY)

    def _answers(self) -> Iterator[dict[str, Any]]:
        stream = self._client.stream("watch", self._bodies)
        with self._lock:
            self._stream = stream
        try:
            for answer in stream:
                if self._ended.is_set():
                    return
                yield answer
        finally:
            with self._lock:
                self._stream = None
            stream.close()

    def _take(self, answer: dict[str, Any]) -> bool:
        """Tell what an answer says; return whether it says that the watch is there."""
        if answer.get("canceled"):
            raise ConnectionError(answer.get("cancel_reason", "the watch was ended by the server"))
        if answer.get("created"):
            if answer.get("watch_id") == str(DOCUMENTS):
                self._on_range()
                self._on_key()
                return True
            return False
        events = answer.get("events", ())
        if answer.get("watch_id") == str(CHANGED):
            if any(event["kv"].get("value") != self._own for event in events):
                self._on_key()
        elif events:
            self._on_range()
        return False
