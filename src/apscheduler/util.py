"""The helper functions of 3.x, for code that imports them, and for ours.

Arithmetic on times is done in UTC: datetimes that share a tzinfo are added, compared and subtracted by wall clock,
which is wrong wherever that clock is set forward or back in between.
"""

from __future__ import annotations

import inspect
import re
from calendar import timegm
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import partial
from inspect import Parameter
from types import FunctionType, MethodType
from typing import Any, overload
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from apscheduler._notes import noted

__all__ = (
    "asbool",
    "asdate",
    "asint",
    "astimezone",
    "check_callable_args",
    "convert_to_datetime",
    "datetime_ceil",
    "datetime_repr",
    "datetime_to_utc_timestamp",
    "datetime_utc_add",
    "get_callable_name",
    "iscoroutinefunction_partial",
    "localize",
    "maybe_ref",
    "normalize",
    "obj_to_ref",
    "ref_to_obj",
    "timedelta_seconds",
    "timezone_repr",
    "undefined",
    "utc_timestamp_to_datetime",
)


class _Undefined:
    """The type of `undefined`, which stands for "not given" where None has a meaning of its own."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "<undefined>"


undefined: Any = _Undefined()

_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "y", "t", "1"), True),
    **dict.fromkeys(("false", "no", "off", "n", "f", "0"), False),
}

_DATE_TEXT = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"(?:[ T](?P<hour>\d{1,2}):(?P<minute>\d{1,2}):(?P<second>\d{1,2})"
    r"(?:\.(?P<microsecond>\d{1,6}))?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?\n?"
)


def asint(text: Any) -> int | None:
    """Return `text` as an integer, or None where it is None; `ValueError` where it is no number."""
    return None if text is None else int(text)


def asbool(obj: Any) -> bool:
    """Return the truth that a configuration text names, or of any other object its truth value."""
    if not isinstance(obj, str):
        return bool(obj)
    word = obj.strip().lower()
    try:
        return _BOOLEANS[word]
    except KeyError:
        raise ValueError(
            f'Unable to interpret value "{word}" as boolean: write one of {", ".join(_BOOLEANS)}'
        ) from None


def astimezone(obj: Any) -> tzinfo | None:
    """Return the time zone that a name or a tzinfo stands for; None for None.

    A pytz zone becomes the `ZoneInfo` of its name, because the rest of the package does plain tzinfo arithmetic.

    Raises:
        TypeError: where `obj` is neither a text nor a tzinfo.
        ZoneInfoNotFoundError: (a KeyError) where no zone has this name.
    """
    kind = type(obj)
    if kind is ZoneInfo or kind is timezone or obj is None:
        return obj  # type: ignore[no-any-return]
    if isinstance(obj, str):
        return _zone_of_text(obj)
    if not isinstance(obj, tzinfo):
        error = TypeError(f"Expected tzinfo, got {kind.__name__} instead")
        raise noted(error, f"{obj!r} names no zone; write one such as 'Asia/Shanghai' or 'UTC'.")
    if kind.__module__.partition(".")[0] == "pytz":
        return _zone_of_pytz(obj)
    return obj


def _zone_of_text(name: str) -> tzinfo:
    return UTC if name == "UTC" else _zone_named(name)


def _zone_named(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError as exc:
        known = available_timezones()
        folded = {zone.lower(): zone for zone in known}
        from difflib import get_close_matches  # only mistakes need it

        near = get_close_matches(name.lower(), folded, n=1, cutoff=0.75)
        if near:
            hint = f"; did you mean {folded[near[0]]!r}?"
        elif known:
            hint = "; zones are named like 'Europe/Berlin' or 'UTC'"
        else:
            hint = "; this system has no time zone data: pip install tzdata"
        raise ZoneInfoNotFoundError(f"No time zone found with key {name}{hint}") from exc


def _zone_of_pytz(zone: tzinfo) -> tzinfo:
    name = getattr(zone, "zone", None)
    if name is not None:
        return _zone_named(name)
    offset = zone.utcoffset(None)
    return zone if offset is None else timezone(offset)


def asdate(obj: Any) -> Any:
    """Return the date that an ISO text names; anything else is returned as it is."""
    return date.fromisoformat(obj) if isinstance(obj, str) else obj


@overload
def convert_to_datetime(input: None, tz: Any, arg_name: str) -> None: ...
@overload
def convert_to_datetime(input: datetime | date | str, tz: Any, arg_name: str) -> datetime: ...
def convert_to_datetime(input: Any, tz: Any, arg_name: str) -> datetime | None:
    """Return `input` as an aware datetime; None for None.

    A date means its first moment. A text is `YYYY-MM-DD`, or that and `HH:MM:SS` after a blank or a `T`, with
    digits of microseconds after a point and `Z` or `+HH:MM` where wanted. A time without a zone of its own is one
    in `tz` (a tzinfo or a name); one that is skipped there by a change of the clock is moved on past the change.

    Raises:
        TypeError: where `input` is of another type.
        ValueError: where the text is no such date, or neither it nor `tz` says the time zone.
    """
    if input is None:
        return None
    if isinstance(input, datetime):
        moment = input
    elif isinstance(input, date):
        moment = datetime.combine(input, time())
    elif isinstance(input, str):
        moment = _read_datetime(input, arg_name)
    else:
        raise TypeError(
            f"Unsupported type for {arg_name}: {type(input).__name__};"
            " give a datetime, a date or a text such as '2030-12-31 23:59:00'"
        )
    if moment.tzinfo is not None:
        return moment
    if tz is None:
        raise ValueError(f'The "tz" argument must be specified if {arg_name} has no timezone information')
    return localize(moment, _zone_of_text(tz) if isinstance(tz, str) else tz)


def _read_datetime(text: str, arg_name: str) -> datetime:
    found = _DATE_TEXT.fullmatch(text)
    if found is None:
        raise ValueError(
            f"Invalid date string for {arg_name}: {text!r};"
            " write 'YYYY-MM-DD' or 'YYYY-MM-DD HH:MM:SS', then 'Z' or '+HH:MM' for a zone"
        )
    *numbers, zone = found.groups(default="")
    tz: tzinfo | None = None
    if zone == "Z":
        tz = UTC
    elif zone:
        hours, minutes = zone[1:].split(":")
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        tz = timezone(-offset if zone[0] == "-" else offset)
    # 3.x reads the digits after the point as a count of microseconds, not as a fraction, so '.5' is 5 us.
    year, month, day, hour, minute, second, microsecond = (int(number or 0) for number in numbers)
    try:
        return datetime(year, month, day, hour, minute, second, microsecond, tz)
    except ValueError as exc:
        raise ValueError(f"Invalid date string for {arg_name}: {text!r}: {exc}") from None


@overload
def datetime_to_utc_timestamp(timeval: None) -> None: ...
@overload
def datetime_to_utc_timestamp(timeval: datetime) -> float: ...
def datetime_to_utc_timestamp(timeval: datetime | None) -> float | None:
    """Return seconds since the epoch, with microseconds; a naive time is taken as UTC; None for None."""
    if timeval is None:
        return None
    return timegm(timeval.utctimetuple()) + timeval.microsecond / 1000000


@overload
def utc_timestamp_to_datetime(timestamp: None) -> None: ...
@overload
def utc_timestamp_to_datetime(timestamp: float) -> datetime: ...
def utc_timestamp_to_datetime(timestamp: float | None) -> datetime | None:
    """Return the UTC datetime of seconds since the epoch; None for None."""
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC)


def timedelta_seconds(delta: timedelta) -> float:
    """Return a duration in seconds."""
    return delta.total_seconds()


def datetime_ceil(dateval: datetime) -> datetime:
    """Return the time itself where it is a whole second, else the next whole second."""
    if dateval.microsecond:
        return datetime_utc_add(dateval, timedelta(seconds=1, microseconds=-dateval.microsecond))
    return dateval


def datetime_repr(dateval: datetime | None) -> str:
    """Return the time with the name of its zone, to the second; 'None' for None."""
    return dateval.strftime("%Y-%m-%d %H:%M:%S %Z") if dateval else "None"


def timezone_repr(timezone: tzinfo) -> str:
    """Return the key of a `ZoneInfo`, of any other object its repr."""
    return timezone.key if isinstance(timezone, ZoneInfo) and timezone.key else repr(timezone)


def datetime_utc_add(dateval: datetime, tdelta: timedelta) -> datetime:
    """Return the time that is `tdelta` of elapsed time later, in the zone of `dateval`."""
    zone = dateval.tzinfo
    if zone is None or type(zone) is timezone:
        return dateval + tdelta
    return (dateval.astimezone(UTC) + tdelta).astimezone(zone)


def localize(dt: datetime, tzinfo: tzinfo) -> datetime:
    """Return the time that a naive `dt` names in a zone (pytz zones too), moved on where the clock skips it."""
    attach: Callable[[datetime], datetime] | None = getattr(tzinfo, "localize", None)
    return normalize(dt.replace(tzinfo=tzinfo)) if attach is None else attach(dt)


def normalize(dt: datetime) -> datetime:
    """Return the same instant as a wall time that exists in its zone."""
    zone = dt.tzinfo
    if zone is None or type(zone) is timezone:
        return dt.replace(fold=0)
    return dt.astimezone(UTC).astimezone(zone)


def get_callable_name(func: Any) -> str:
    """Return the best name to show for a callable; `TypeError` where it is none."""
    if isinstance(func, MethodType):
        owner = func.__self__ if inspect.isclass(func.__self__) else type(func.__self__)
        return f"{owner.__qualname__}.{func.__name__}"
    if inspect.isclass(func) or isinstance(func, FunctionType) or inspect.isbuiltin(func):
        return func.__qualname__
    if callable(func):
        return type(func).__qualname__
    raise TypeError(f"Unable to determine a name for {func!r} -- maybe it is not a callable?")


def obj_to_ref(obj: Any) -> str:
    """Return the `module:qualified.name` of a callable.

    Raises:
        ValueError: where nothing can be imported by that name (a partial, a lambda, a nested function).
        TypeError: where `obj` is no callable.
    """
    if isinstance(obj, partial):
        raise ValueError("Cannot create a reference to a partial()")
    name = get_callable_name(obj)
    if "<lambda>" in name:
        raise ValueError("Cannot create a reference to a lambda")
    if "<locals>" in name:
        raise ValueError("Cannot create a reference to a nested function")
    if isinstance(obj, MethodType):
        owner = obj.__self__ if inspect.isclass(obj.__self__) else type(obj.__self__)
        return f"{owner.__module__}:{name}"
    return f"{obj.__module__}:{name}"


def ref_to_obj(ref: str) -> Any:
    """Return the object that a `module:qualified.name` text names.

    Raises:
        TypeError: where `ref` is no text.
        ValueError: where it has no colon, or no module before it.
        LookupError: where the module cannot be imported or has no such object.
    """
    if not isinstance(ref, str):
        raise TypeError("References must be strings")
    modulename, colon, path = ref.partition(":")
    if not colon:
        raise ValueError(f"Invalid reference: {ref!r}; write it as 'package.module:name'")
    if not modulename:
        raise ValueError(f"Empty module name in the reference {ref!r}; write it as 'package.module:name'")
    names = path.split(".")
    try:
        obj: Any = __import__(modulename, fromlist=[names[0]])
    except ImportError as exc:
        raise LookupError(f"Error resolving reference {ref}: could not import module ({exc})") from exc
    try:
        for name in names:
            obj = getattr(obj, name)
    except AttributeError as exc:
        raise LookupError(f"Error resolving reference {ref}: error looking up object ({exc})") from exc
    return obj


def maybe_ref(ref: Any) -> Any:
    """Return what a reference text names; anything that is no text is returned as it is."""
    return ref_to_obj(ref) if isinstance(ref, str) else ref


def check_callable_args(func: Any, args: Iterable[Any], kwargs: Mapping[str, Any]) -> None:
    """Raise `ValueError` where `func` cannot be called with these arguments, `TypeError` where it is no callable.

    A callable that does not tell its signature is accepted.
    """
    try:
        parameters = inspect.signature(func, follow_wrapped=False).parameters.values()
    except ValueError:
        return
    left, unmatched = list(args), list(kwargs)
    given = len(left)
    twice, positional_only, missing, missing_keywords = [], [], [], []
    takes_args = takes_kwargs = False
    for parameter in parameters:
        name, kind, required = parameter.name, parameter.kind, parameter.default is Parameter.empty
        if kind is Parameter.POSITIONAL_OR_KEYWORD:
            if name in unmatched:
                unmatched.remove(name)
                if left:
                    twice.append(name)
            elif left:
                left.pop()
            elif required:
                missing.append(name)
        elif kind is Parameter.POSITIONAL_ONLY:
            if left:
                left.pop()
            elif name in unmatched:
                positional_only.append(name)
            elif required:
                missing.append(name)
        elif kind is Parameter.KEYWORD_ONLY:
            if name in unmatched:
                unmatched.remove(name)
            elif required:
                missing_keywords.append(name)
        elif kind is Parameter.VAR_POSITIONAL:
            takes_args = True
        else:
            takes_kwargs = True
    for problem, names in (
        ("The following arguments are supplied in both args and kwargs", twice),
        ("The following arguments cannot be given as keyword arguments", positional_only),
        ("The following arguments have not been supplied", missing),
        ("The following keyword-only arguments have not been supplied in kwargs", missing_keywords),
    ):
        if names:
            raise ValueError(f"{problem}: {', '.join(names)}")
    if left and not takes_args:
        raise ValueError(
            "The list of positional arguments is longer than the target callable can handle"
            f" (allowed: {given - len(left)}, given in args: {given})"
        )
    if unmatched and not takes_kwargs:
        raise ValueError(
            f"The target callable does not accept the following keyword arguments: {', '.join(unmatched)}"
        )


def iscoroutinefunction_partial(f: Any) -> bool:
    """Return whether a call of `f`, or of what the partial `f` wraps, returns a coroutine."""
    while isinstance(f, partial):
        f = f.func
    return inspect.iscoroutinefunction(f)
