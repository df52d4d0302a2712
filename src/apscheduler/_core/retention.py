"""How long run records are kept: the scheduler option `run_log`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

DEFAULT_AGE = timedelta(days=7)
DEFAULT_PER_JOB = 1000


class Retention(NamedTuple):
    """Whether runs are recorded beyond their end, and until when: by age in seconds and by number per job."""

    keep: bool = True
    max_age: float | None = DEFAULT_AGE.total_seconds()
    per_job: int | None = DEFAULT_PER_JOB


def parse(option: Any) -> Retention:
    """Return what the option `run_log` asks for.

    True: seven days and 1,000 runs per job; False: no record beyond the end of a run. A dict sets `max_age` (a
    timedelta or seconds) and `per_job` (a number); None stands for no bound.

    Raises:
        ValueError: anything else, saying what may be given.
    """
    if option is None or option is True:
        return Retention()
    if option is False:
        return Retention(False, None, None)
    if not isinstance(option, Mapping) or set(option) - {"max_age", "per_job"}:
        raise ValueError(
            f"run_log must be True, False or a dict with max_age (a timedelta or seconds) and per_job, got {option!r}"
        )
    age = option.get("max_age", DEFAULT_AGE)
    seconds = age.total_seconds() if isinstance(age, timedelta) else age
    per_job = option.get("per_job", DEFAULT_PER_JOB)
    seconds = None if seconds is None else _positive("max_age", seconds, float)
    return Retention(True, seconds, None if per_job is None else int(_positive("per_job", per_job, int)))


def _positive(name: str, value: Any, kind: type[int] | type[float]) -> float:
    try:
        number = kind(value)
    except (TypeError, ValueError):
        number = kind(0)
    if number <= 0:
        raise ValueError(f"run_log: {name} must be a positive number or None, got {value!r}")
    return number
