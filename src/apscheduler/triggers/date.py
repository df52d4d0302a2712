"""The trigger that fires once."""

from __future__ import annotations

from datetime import date, datetime, tzinfo
from typing import Any

from apscheduler import _clock
from apscheduler.triggers._zones import local_zone
from apscheduler.triggers.base import BaseTrigger
from apscheduler.util import astimezone, convert_to_datetime, datetime_repr


class DateTrigger(BaseTrigger):
    """Fires once, at `run_date`: at once where that is in the past, or not given.

    Args:
        run_date: a datetime, a date or a text (see `convert_to_datetime()`).
        timezone: zone of a `run_date` that has none; default the local one.
    """

    __slots__ = ("run_date",)

    def __init__(
        self, run_date: datetime | date | str | None = None, timezone: tzinfo | str | None = None
    ) -> None:
        zone = astimezone(timezone) or local_zone()
        self.run_date = (
            _clock.now(zone) if run_date is None else convert_to_datetime(run_date, zone, "run_date")
        )

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return `run_date` where nothing has fired yet, also when it has passed; else None."""
        return self.run_date if previous_fire_time is None else None

    def __getstate__(self) -> dict[str, Any]:
        return {"version": 1, "run_date": self.run_date}

    def __setstate__(self, state: Any) -> None:
        version = state.get("version", 1)
        if version > 1:
            raise ValueError(
                f"Got serialized data for version {version} of {type(self).__name__},"
                " but only version 1 can be handled; it was written by a newer release"
            )
        self.run_date = state["run_date"]

    def __str__(self) -> str:
        return f"date[{datetime_repr(self.run_date)}]"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} (run_date='{datetime_repr(self.run_date)}')>"
