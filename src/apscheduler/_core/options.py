"""Scheduler options: dotted texts into nested dicts, and the nearest known name for one that is not known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def gather(gconfig: Mapping[str, Any], prefix: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return one nested dict of the options in `gconfig` and `options`; the latter win.

    With a `prefix` ("apscheduler."), only the keys of `gconfig` that start with it count, without it. A key
    `"executors.default.max_workers"` is the same as `{"executors": {"default": {"max_workers": ...}}}`.
    """
    flat: dict[str, Any] = {}
    for key, value in gconfig.items():
        if not prefix:
            flat[key] = value
        elif key.startswith(prefix):
            flat[key[len(prefix) :]] = value
    flat.update(options)
    nested: dict[str, Any] = {}
    for key, value in flat.items():
        _put(nested, key.split("."), value)
    return nested


def _put(nested: dict[str, Any], path: list[str], value: Any) -> None:
    *parents, last = path
    for parent in parents:
        inner = nested.get(parent)
        # A copy, because a dict that the caller passed must not grow by what other keys add to it.
        nested[parent] = dict(inner) if isinstance(inner, Mapping) else {}
        nested = nested[parent]
    if isinstance(value, Mapping) and isinstance(nested.get(last), dict):
        value = {**nested[last], **value}
    nested[last] = value


def unknown(given: Iterable[str], known: Iterable[str]) -> dict[str, str | None]:
    """Return the names in `given` that are not in `known`, each with the nearest known one, or None."""
    names = list(known)
    answer: dict[str, str | None] = {}
    for name in given:
        if name not in names:
            # Without underscores too, because `time_zone` for `timezone` is the commonest mistake.
            squeezed = {n.replace("_", ""): n for n in names}
            from difflib import get_close_matches  # only mistakes need it

            near = get_close_matches(name.replace("_", "").lower(), squeezed, n=1, cutoff=0.6)
            answer[name] = squeezed[near[0]] if near else None
    return answer
