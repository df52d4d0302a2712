"""Pickles of jobs, in which what most of them have in common is written once.

To name a class, the pickler imports its module and looks it up again for each pickle, and a time zone is two or three
such names: half of the time that it takes to pickle a job. So what belongs to a kind of trigger and its time zone is
pickled once, as a prefix that puts it into the memo and takes it off the stack; a job's own part refers to it there.
The whole is a pickle like any other, which 3.x reads. It is some 20 bytes longer.
"""

from __future__ import annotations

import pickle
from datetime import date, datetime, timedelta, timezone, tzinfo
from io import BytesIO
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from apscheduler.triggers._state import is_stateless
from apscheduler.triggers.base import BaseTrigger

OLDEST_PROTOCOL = 4
"""Pickles of older protocols are for older programs, and are left as these know them."""
PROTO_BYTES = 2
POP = b"0"
PREFIXES = 1000
"""Kept at most; a program that makes time zones of its own for each job has no use for them."""

_ZONES = (timezone, ZoneInfo)
_TIMES = (date, datetime, timedelta)


class Prefix(NamedTuple):
    """What the pickles of some jobs begin with, and the memo that it leaves."""

    data: bytes
    memo: dict[int, tuple[int, Any]]


class JobPickler:
    """Pickles the stored form of jobs; may be used from any thread."""

    def __init__(self, protocol: int) -> None:
        self.protocol = protocol
        self._prefixes: dict[tuple[type, tzinfo | None], Prefix] = {}

    def dumps(self, stored: Any, trigger: BaseTrigger) -> bytes:
        """Return the pickle of `stored`, which is or contains the state of a job with this trigger.

        Raises:
            Exception: whatever a part of it raises that cannot be pickled.
        """
        kind = type(trigger)
        if self.protocol < OLDEST_PROTOCOL or not is_stateless(kind):
            return pickle.dumps(stored, self.protocol)
        zone = getattr(trigger, "timezone", None)
        key = kind, zone if type(zone) in _ZONES else None
        prefix = self._prefixes.get(key) or self._make_prefix(key, trigger)
        out = BytesIO()
        pickler = pickle.Pickler(out, self.protocol)
        pickler.memo = prefix.memo.copy()
        pickler.dump(stored)
        return prefix.data + out.getbuffer()[PROTO_BYTES:]

    def _make_prefix(self, key: tuple[type, tzinfo | None], trigger: BaseTrigger) -> Prefix:
        finder = _CommonParts(key[1], self.protocol)
        finder.dump(trigger)
        out = BytesIO()
        pickler = pickle.Pickler(out, self.protocol)
        pickler.dump(finder.found)
        if len(self._prefixes) >= PREFIXES:
            self._prefixes.clear()
        # In the place of the opcode that ends the pickle.
        made = self._prefixes[key] = Prefix(out.getvalue()[:-1] + POP, pickler.memo.copy())
        return made


class _CommonParts(pickle.Pickler):
    """Finds what a trigger has in common with others of its class and time zone, while it is pickled."""

    def __init__(self, zone: tzinfo | None, protocol: int) -> None:
        super().__init__(BytesIO(), protocol)
        self._zone = zone
        self.found: list[Any] = []

    def reducer_override(self, value: Any) -> Any:
        """Note a part that is common, and leave the pickling of it to the pickler."""
        if isinstance(value, type):
            common = value in _TIMES or value.__module__.startswith("apscheduler.triggers.")
        else:
            common = value is self._zone
        if common:
            self.found.append(value)
        return NotImplemented
