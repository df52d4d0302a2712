"""Reading the options of a scheduler: what is unknown is said, what is wrong is refused."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from apscheduler._core.limits import ON_CRASH, RECORD
from apscheduler._core.options import unknown
from apscheduler.util import asbool, asint

_JOB_DEFAULTS = ("misfire_grace_time", "coalesce", "max_instances", "on_crash")


def job_defaults(option: Mapping[str, Any]) -> dict[str, Any]:
    """Return what jobs get that do not say it themselves; the values may be texts.

    Raises:
        TypeError: it is no dict.
        ValueError: `on_crash` is neither "record" nor "rerun", or a number is not positive.
    """
    if not isinstance(option, Mapping):
        raise TypeError(f"job_defaults must be a dict such as {{'max_instances': 3}}, got {option!r}")
    on_crash = option.get("on_crash", RECORD)
    if on_crash not in ON_CRASH:
        raise ValueError(f'job_defaults: on_crash must be "record" or "rerun", got {on_crash!r}')
    return {
        "misfire_grace_time": _whole(
            "misfire_grace_time", option.get("misfire_grace_time", 1), "or None for any"
        ),
        "coalesce": asbool(option.get("coalesce", True)),
        "max_instances": _whole("max_instances", option.get("max_instances", 1), "and not None"),
        "on_crash": on_crash,
    }


def _whole(name: str, value: Any, none: str) -> int | None:
    """Return what is a positive whole number, maybe as a text, or None."""
    try:
        number = asint(value)
    except (TypeError, ValueError):
        number = 0
    if (number is None and "not" in none) or (number is not None and number <= 0):
        raise ValueError(f"job_defaults: {name} must be a positive whole number {none}, got {value!r}")
    return number


def seconds(name: str, value: Any) -> float:
    """Return an option that is a positive number of seconds, maybe as a text.

    Raises:
        ValueError: it is something else.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.0
    if not number > 0:
        raise ValueError(f"{name} must be a positive number of seconds, got {value!r}")
    return number


def components(kind: str, option: Any) -> Mapping[str, Any]:
    """Return the option `executors` or `jobstores`.

    Raises:
        TypeError: it is no dict.
    """
    if not isinstance(option, Mapping):
        raise TypeError(
            f"{kind}s must be a dict of alias to {kind}, such as {{'default': ...}}; got a {type(option).__name__}"
        )
    return option


def renames(option: Any) -> dict[str, str]:
    """Return the table of old to new textual references.

    Raises:
        TypeError: it is no dict.
        ValueError: an entry of it is no textual reference.
    """
    if option is None:
        return {}
    if not isinstance(option, Mapping):
        raise TypeError(f"renames must be a dict of old to new textual references, got {option!r}")
    for old, new in option.items():
        for ref in (old, new):
            if not isinstance(ref, str) or ":" not in ref:
                raise ValueError(f"renames: {ref!r} is no textual reference (package.module:name)")
    return dict(option)


def warn_of_unknown(config: Mapping[str, Any], known: Iterable[str], logger: logging.Logger) -> None:
    """Log a warning for every option that is not known, with the nearest one that is."""
    known = tuple(known)
    for name, near in unknown(config, known).items():
        if name in _JOB_DEFAULTS:
            hint = f"set it for all jobs with job_defaults={{{name!r}: ...}}, or for one with add_job()"
        else:
            hint = _hint(near, known)
        logger.warning(
            "Unknown scheduler option %s is ignored; %s", name, hint, extra={"event": "unknown_option"}
        )
    given = config.get("job_defaults", {})
    for name, near in unknown(given if isinstance(given, Mapping) else (), _JOB_DEFAULTS).items():
        logger.warning(
            "Unknown option %s in job_defaults is ignored; %s",
            name,
            _hint(near, _JOB_DEFAULTS),
            extra={"event": "unknown_option"},
        )


def _hint(near: str | None, known: Iterable[str]) -> str:
    return f"did you mean {near}?" if near else f"known are {', '.join(known)}"
