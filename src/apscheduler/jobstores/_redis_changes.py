"""Being told by a Redis server that a job was added or changed: a subscription that comes back when it was lost."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Lock, Thread, current_thread
from typing import Any

from redis.exceptions import AuthorizationError, NoPermissionError, RedisError

from apscheduler._clock import SYSTEM

PING_AFTER = 30.0
"""Seconds without a message after which the server is asked whether it is there; as long again it may take."""
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
LONGEST_WAIT = 5.0
_TICK = 1.0
_logger = logging.getLogger("apscheduler.jobstores.redis")


class Subscription:
    """Calls back when another store has told of a change, and whenever messages may have been lost.

    It has a connection and a thread of its own.
    """

    def __init__(self, client: Any, channel: str, sender: str, callback: Callable[[], None]) -> None:
        self._client = client
        self._channel = channel
        self._sender = sender.encode()
        self._callback = callback
        self._ended = Event()
        self._pubsub: Any = None
        self._sending = Lock()
        self._thread = Thread(target=self._run, name="APScheduler-redis-changes", daemon=True)

    def start(self) -> bool:
        """Begin; return False where the server does not let this user subscribe."""
        try:
            self._pubsub = self._open()
        except (AuthorizationError, NoPermissionError) as exc:
            _logger.warning("Redis tells this user of no changes, so it is asked for them: %s", exc)
            return False
        except (RedisError, OSError):
            pass  # the server is away; the thread goes on trying
        self._thread.start()
        return True

    def end(self) -> None:
        """Stop; nothing is called back any more when this returns, unless a call is under way in this thread."""
        self._ended.set()
        try:
            with self._sending:
                if self._pubsub is not None:
                    self._pubsub.unsubscribe()  # whose answer wakes the thread
        except Exception:
            pass  # then it is awake, or soon will be
        if self._thread is not current_thread():
            self._thread.join(LONGEST_WAIT)

    def _open(self) -> Any:
        pubsub = self._client.pubsub()
        try:
            pubsub.subscribe(self._channel)
            end = SYSTEM.monotonic() + LONGEST_WAIT
            while SYSTEM.monotonic() < end:
                message = pubsub.get_message(timeout=_TICK)
                if message is not None and message["type"] == "subscribe":
                    return pubsub
            raise RedisError(f"the subscription to {self._channel} was not confirmed")
        except BaseException:
            _close(pubsub)
            raise

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._ended.is_set():
            try:
                if self._pubsub is None:
                    self._pubsub = self._open()
                self._callback()  # because of what was told before
                pause = FIRST_PAUSE
                self._listen(self._pubsub)
            except Exception as exc:  # a client that is being closed has errors of its own
                if not self._ended.is_set():
                    _logger.debug("Lost the subscription to %s: %s", self._channel, exc)
                    self._ended.wait(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
            with self._sending:
                pubsub, self._pubsub = self._pubsub, None
                if pubsub is not None:
                    _close(pubsub)

    def _listen(self, pubsub: Any) -> None:
        """Return when the subscription ends, or the server is gone without a word."""
        heard, asked = SYSTEM.monotonic(), False
        while not self._ended.is_set():
            message = pubsub.get_message(timeout=_TICK)
            now = SYSTEM.monotonic()
            if message is not None:
                heard, asked = now, False
                # A second confirmation means that the client has connected anew.
                told = message["type"] == "message" and message["data"] != self._sender
                if told or message["type"] == "subscribe":
                    self._callback()
            elif now - heard > 2 * PING_AFTER:
                return
            elif now - heard > PING_AFTER and not asked:
                with self._sending:
                    pubsub.ping()
                asked = True


def _close(pubsub: Any) -> None:
    try:
        pubsub.close()
    except Exception:
        pass  # what is closed was lost before
