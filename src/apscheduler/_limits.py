"""The limits of jobs: one tuple that all jobs share which say the same, seen through the attributes of a job.

A program may hold a million jobs, and nearly all of them say nothing of their limits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from apscheduler._core.limits import ON_CRASH, Limits
from apscheduler._core.limits import RECORD as RECORD
from apscheduler.util import undefined

MOST_KNOWN = 1000

_known: dict[Limits, Limits] = {}


def shared_limits(
    executor: str, misfire_grace_time: Any, coalesce: Any, max_instances: Any, on_crash: Any
) -> Limits:
    """Return these limits, as the same object for all jobs that have them, because there may be millions of jobs."""
    limits = Limits(executor, misfire_grace_time, coalesce, max_instances, on_crash)
    try:
        known = _known.get(limits)
    except TypeError:  # a stored job may hold anything
        return limits
    # 1 and True are the same key, and a grace time of 1 must not become True.
    if known is not None and [*map(type, known)] == [*map(type, limits)]:
        return known
    if known is None and len(_known) < MOST_KNOWN:
        _known[limits] = limits
    return limits


NO_LIMITS = shared_limits("default", undefined, undefined, undefined, undefined)
"""Those of a job that is not stored yet, and was given none."""

T = TypeVar("T")


class Limit(Generic[T]):
    """An attribute of a job that is kept in its `limits`; absent as long as it is undefined there."""

    def __init__(self, name: str, index: int) -> None:
        self._name = name
        self._index = index

    def __get__(self, job: Any, cls: type) -> T:
        if job is None:
            return self  # type: ignore[return-value]  # as for every attribute that is asked of the class
        value: Any = job.limits[self._index]
        if value is undefined:
            raise AttributeError(f"{self._name} is set when the job is stored", name=self._name, obj=job)
        return value  # type: ignore[no-any-return]  # what was checked to be one

    def __set__(self, job: Any, value: T) -> None:
        limits: list[Any] = list(getattr(job, "limits", NO_LIMITS))
        limits[self._index] = value
        job.limits = shared_limits(*limits)


def _misfire_grace_time(value: Any) -> int | None:
    if value is not None and (not isinstance(value, int) or value <= 0):
        raise TypeError(
            f"misfire_grace_time must be either None or a positive integer (seconds), got {value!r}"
        )
    return value


def _max_instances(value: Any) -> int:
    if not isinstance(value, int) or value <= 0:
        raise TypeError(f"max_instances must be a positive integer, got {value!r}")
    return value


def _on_crash(value: Any) -> str:
    if value not in ON_CRASH:
        raise ValueError(f'on_crash must be "record" or "rerun", got {value!r}')
    return str(value)


def _executor(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"executor must be a string (the alias of an executor), got {value!r}")
    return value


CHECKS: dict[str, Callable[[Any], Any]] = {
    "misfire_grace_time": _misfire_grace_time,
    "coalesce": bool,
    "max_instances": _max_instances,
    "executor": _executor,
    "on_crash": _on_crash,
}
"""What returns a value as a job keeps it, or raises what is wrong with it."""
