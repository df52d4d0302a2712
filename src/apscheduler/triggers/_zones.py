"""Time zones as the triggers need them: where a clock change is near, and which zone is the local one.

Everything is asked of the tzinfo itself, because its offsets are all that is known of it: a change is near where the
readings on both sides differ. No zone changes its clock twice within a day and ends as it began.
"""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta, timezone, tzinfo

import tzlocal

_DAY = timedelta(days=1)


def is_plain(moment: datetime) -> bool:
    """Return whether the clock of its zone shows this wall time exactly once: it is neither skipped nor repeated."""
    before, after = _readings(moment)
    return before == after


def is_skipped(moment: datetime) -> bool:
    """Return whether the clock of its zone skips this wall time."""
    before, after = _readings(moment)
    return before is not None and after is not None and before < after


def is_calm(midnight: datetime) -> bool:
    """Return whether no clock change touches the day that begins then, nor either of its ends."""
    try:
        later = midnight + _DAY
    except OverflowError:
        return False
    begin, end = _readings(midnight), _readings(later)
    return begin[0] == begin[1] == end[0] == end[1]


def _readings(moment: datetime) -> tuple[timedelta | None, timedelta | None]:
    """Return the offsets that this wall time has before and after a change, equal where there is none."""
    return moment.replace(fold=0).utcoffset(), moment.replace(fold=1).utcoffset()


def add_elapsed(moment: datetime, elapsed: timedelta, zone: tzinfo) -> datetime:
    """Return the time that is so much elapsed time after `moment`, which is in `zone`."""
    later = moment + elapsed
    if type(zone) is timezone:
        return later
    # Asked of the zone itself, because moment.utcoffset() takes several times as long.
    offset_at = zone.utcoffset
    offset = offset_at(moment)
    try:
        # The day after is looked at because a skipped time still has the offset from before the change.
        if offset_at(later) == offset == offset_at(later + _DAY):
            return later
    except OverflowError:
        pass  # because the last day of the year 9999 has none after it
    return (moment.astimezone(UTC) + elapsed).astimezone(zone)


def is_before(one: datetime, other: datetime) -> bool:
    """Return whether an aware time comes before another, as instants, also where both share a tzinfo."""
    if one.tzinfo is other.tzinfo and type(one.tzinfo) is not timezone:
        return one.astimezone(UTC) < other.astimezone(UTC)
    return one < other


def local_zone() -> tzinfo:
    """Return the time zone of this computer, or UTC with a warning where it cannot be told."""
    try:
        return tzlocal.get_localzone()
    except (
        Exception
    ) as exc:  # because tzlocal raises a different type for each way in which a system is set up
        warnings.warn(
            f"The time zone of this system cannot be determined ({exc}), so UTC is used;"
            " give timezone=... to say which one is meant",
            RuntimeWarning,
            stacklevel=3,
        )
        return UTC
