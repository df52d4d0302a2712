"""Being told by a MongoDB replica set that a job was added or changed: a change stream, made anew when it was lost."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Lock, Thread, current_thread
from typing import Any

from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from apscheduler._clock import SYSTEM

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
LONGEST_WAIT = 5.0
_TICK = 1.0
"""Seconds that the server waits for a change before it says that there is none, for the end to be noticed."""
_BREATH = 0.05
_logger = logging.getLogger("apscheduler.jobstores.mongodb")

# Claims and their ends change jobs all the time, and make nothing due earlier. They leave the definition alone.
ADDED_OR_CHANGED: list[dict[str, Any]] = [
    {
        "$match": {
            "$or": [
                {"operationType": {"$in": ["insert", "replace", "drop", "rename", "invalidate"]}},
                {"operationType": "update", "updateDescription.updatedFields.job_state": {"$exists": True}},
            ]
        }
    },
    {"$project": {"operationType": 1}},
]


class Subscription:
    """Calls back when a job was added or changed, and whenever that may have been missed.

    It has a connection of the client's and a thread of its own.
    """

    def __init__(self, jobs: Any, callback: Callable[[], None]) -> None:
        self._jobs = jobs
        self._callback = callback
        self._ended = Event()
        self._closing = Lock()
        self._stream: Any = None
        self._thread = Thread(target=self._run, name="APScheduler-mongodb-changes", daemon=True)

    def start(self) -> bool:
        """Begin; return False where this server has no change streams, or not for this user."""
        try:
            self._stream = self._open()
        except ConnectionFailure:
            pass  # the server is away; the thread goes on trying
        except OperationFailure as exc:
            _logger.debug("MongoDB tells of no changes, so it is asked for them: %s", exc)
            return False
        except PyMongoError:
            pass
        self._thread.start()
        return True

    def end(self) -> None:
        """Stop; nothing is called back any more when this returns, unless a call is under way in this thread."""
        self._ended.set()
        self._close()  # which the server answers to who waits for a change
        if self._thread is not current_thread():
            self._thread.join(LONGEST_WAIT)

    def _open(self) -> Any:
        return self._jobs.watch(ADDED_OR_CHANGED, max_await_time_ms=int(_TICK * 1000))

    def _close(self) -> None:
        with self._closing:
            stream, self._stream = self._stream, None
        if stream is not None:
            try:
                stream.close()
            except Exception:
                pass  # what is closed was lost before

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._ended.is_set():
            try:
                stream = self._stream
                if stream is None:
                    stream = self._stream = self._open()
                if self._ended.is_set():
                    break
                self._callback()  # because of what was told before
                pause = FIRST_PAUSE
                self._listen(stream)
            except Exception as exc:  # a client that is being closed has errors of its own
                if not self._ended.is_set():
                    _logger.debug("Lost the change stream of %s: %s", self._jobs.full_name, exc)
                    self._ended.wait(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
            self._close()
        self._close()

    def _listen(self, stream: Any) -> None:
        """Return when the stream ends."""
        while stream.alive and not self._ended.is_set():
            asked = SYSTEM.monotonic()
            if stream.try_next() is not None:
                if not self._ended.is_set():
                    self._callback()
            elif SYSTEM.monotonic() - asked < _BREATH:
                self._ended.wait(_BREATH)  # because there are servers that answer at once
