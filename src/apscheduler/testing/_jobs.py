"""Functions that the contract suites run as jobs: importable by name, so that a worker process finds them too."""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from functools import partial
from pathlib import Path
from typing import Any

PATIENCE = 10.0  # seconds after which a test gives up; nothing that works comes near


class Thing:
    """Something a weak reference can watch."""


class OddError(BaseException):
    """Not an `Exception`, so that `except Exception` misses it."""


class SpeechlessError(Exception):
    """An exception whose text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def echo(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what it was called with."""
    return args, kwargs


def nothing() -> None:
    """Do nothing."""


def raise_it(exc: type[BaseException], *args: Any) -> None:
    """Raise `exc`."""
    raise exc(*args)


def recurse(depth: int) -> int:
    """Never come back, except with a `RecursionError`."""
    return recurse_again(depth + 1)


def recurse_again(depth: int) -> int:
    """Be the other half of `recurse()`."""
    return recurse(depth + 1)


def fail_on_third(path: str) -> int:
    """Return how often it has been called with `path`, but raise the third time."""
    with Path(path).open("a") as file:
        file.write("x")
        count = file.tell()
    if count == 3:
        raise ValueError("third")
    return count


def fail_holding(watched: list[weakref.ref[Thing]]) -> None:
    """Raise while a local variable, and one of a caller that handled another error, hold a thing."""
    outer = Thing()
    watched.append(weakref.ref(outer))
    try:
        _fail_inside(watched)
    except KeyError as exc:
        raise ValueError("failed") from exc


def _fail_inside(watched: list[weakref.ref[Thing]]) -> None:
    inner = Thing()
    watched.append(weakref.ref(inner))
    raise KeyError("inside")


async def afail_holding(watched: list[weakref.ref[Thing]]) -> None:
    """Like `fail_holding()`, as a coroutine."""
    outer = Thing()
    watched.append(weakref.ref(outer))
    await asyncio.sleep(0)
    fail_holding(watched)


async def aecho(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what it was called with, after a turn of the loop."""
    await asyncio.sleep(0)
    return args, kwargs


async def araise_it(exc: type[BaseException], *args: Any) -> None:
    """Raise `exc`, after a turn of the loop."""
    await asyncio.sleep(0)
    raise exc(*args)


def return_coroutine(value: int) -> Any:
    """Return a coroutine without being a coroutine function."""
    return aecho(value)


class AsyncCallable:
    """Its instances are called and awaited; so is its method."""

    async def __call__(self, value: int) -> Any:
        """Return `value`."""
        return await aecho(value)

    async def method(self, value: int) -> Any:
        """Return `value`."""
        return await aecho(value)


COROUTINES: dict[str, Any] = {
    "function": aecho,
    "partial": partial(aecho),
    "partial of a partial": partial(partial(aecho)),
    "object": AsyncCallable(),
    "method": AsyncCallable().method,
    "plain function that returns one": return_coroutine,
}


class Gate:
    """Where a job stops until a test lets it go on. Made of threading events."""

    def __init__(self) -> None:
        self._entered = threading.Semaphore(0)
        self._open = threading.Event()

    def enter(self) -> str:
        """Say that the job has started, and wait; called by the job."""
        self._entered.release()
        if not self._open.wait(PATIENCE):
            raise TimeoutError("nobody opened the gate")
        return "through"

    def wait_entered(self) -> None:
        """Return when one more job has started."""
        assert self._entered.acquire(timeout=PATIENCE), "no job came to the gate"

    def open(self) -> None:
        """Let the jobs go on."""
        self._open.set()


class FileGate(Gate):
    """A gate between processes, made of files in `folder`. Polls, because files cannot be waited for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen = 0

    def enter(self) -> str:
        """Say that the job has started, and wait; called by the job."""
        with (self._folder / "entered").open("a") as file:
            file.write("x")
        self._poll((self._folder / "open").exists)
        return "through"

    def wait_entered(self) -> None:
        """Return when one more job has started."""
        self._seen += 1
        self._poll(lambda: self._count() >= self._seen)

    def open(self) -> None:
        """Let the jobs go on."""
        (self._folder / "open").touch()

    def _count(self) -> int:
        path = self._folder / "entered"
        return path.stat().st_size if path.exists() else 0

    def _poll(self, found: Any) -> None:
        end = time.monotonic() + PATIENCE
        while not found():
            if time.monotonic() > end:
                raise TimeoutError("nobody came to the gate")
            time.sleep(0.005)
