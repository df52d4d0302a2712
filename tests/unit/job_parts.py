"""What the tests of jobs, their functions and their stored forms are made with; found by name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from apscheduler.job import Job
from apscheduler.triggers.date import DateTrigger

WHEN = datetime(2030, 1, 1, tzinfo=UTC)


def plain(*args: Any, **kwargs: Any) -> Any:
    return args, kwargs


def two(one: Any, two: Any = None, *, three: Any = None) -> None:
    """Take two or three."""


def rebound() -> None:
    """Was `rebound` once; the name leads elsewhere now."""


original, rebound = rebound, 5


class Thing:
    def __init__(self, name: str) -> None:
        self.name = name

    def method(self, value: Any = None) -> Any:
        return self.name, value

    @classmethod
    def of_class(cls, value: Any = None) -> None: ...

    @staticmethod
    def static(value: Any = None) -> None: ...

    def __call__(self, value: Any = None) -> Any:
        return self.name, value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Thing) and other.name == self.name

    __hash__ = None  # type: ignore[assignment]

    class Inner:
        @staticmethod
        def static() -> None: ...


class Zone:
    """What a job asks of a scheduler when it is made by hand."""

    timezone = UTC


def job(func: Any = plain, **changes: Any) -> Job:
    """Return a job that is complete, by hand."""
    values: dict[str, Any] = {
        "func": func,
        "args": (),
        "kwargs": {},
        "name": None,
        "trigger": DateTrigger(WHEN, UTC),
        "executor": "default",
        "misfire_grace_time": 1,
        "coalesce": True,
        "max_instances": 1,
        "on_crash": "record",
        "next_run_time": WHEN,
    }
    return Job(Zone(), changes.pop("id", "j"), **{**values, **changes})  # type: ignore[arg-type]
