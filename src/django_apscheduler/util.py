"""Times as Django keeps and shows them, and database connections that may have died."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.utils import formats, timezone

from apscheduler.schedulers.base import BaseScheduler
from django import db

__all__ = (
    "close_old_connections",
    "get_apscheduler_datetime",
    "get_django_internal_datetime",
    "get_dt_format",
    "get_local_dt_format",
    "retry_on_db_operational_error",
)

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger("django_apscheduler")


def get_dt_format() -> str:
    """Return the project's date format, with seconds in its time."""
    text: str = formats.get_format("DATETIME_FORMAT")
    # Not "f:s", because that shows 4:00:30 as 4:30.
    return re.sub(r"\b([GHgh]:i)(?!:s)", r"\1:s", text.replace("P", "g:i:s a"))


def get_local_dt_format(dt: datetime) -> str:
    """Return the format in which `dt` is shown."""
    return get_dt_format()


def get_django_internal_datetime(dt: datetime) -> datetime:
    """Return an aware time as Django wants it: aware with `USE_TZ`, else naive in the project's zone."""
    if settings.USE_TZ:
        return dt
    return dt if timezone.is_naive(dt) else timezone.make_naive(dt)


def get_apscheduler_datetime(dt: datetime, scheduler: BaseScheduler) -> datetime:
    """Return a time of Django's as an aware time in the scheduler's zone; a naive one is in the project's zone."""
    aware = timezone.make_aware(dt) if timezone.is_naive(dt) else dt
    return aware.astimezone(scheduler.timezone)


def close_old_connections(func: Callable[P, T]) -> Callable[P, T]:
    """Have `func` begin without database connections that are too old or broken, and leave none.

    Jobs need it no more: connections are looked after around every run. It is kept for functions that are called
    from other threads.
    """

    @wraps(func)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        db.close_old_connections()
        try:
            return func(*args, **kwargs)
        finally:
            db.close_old_connections()

    return wrapper


def retry_on_db_operational_error(func: Callable[P, T]) -> Callable[P, T]:
    """Have `func` called once more, on a new connection, where its connection to the database was lost."""

    @wraps(func)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return func(*args, **kwargs)
        except (db.OperationalError, db.InterfaceError) as exc:
            logger.warning("The database did not answer (%s); %s is tried once more", exc, func.__qualname__)
            db.close_old_connections()
            return func(*args, **kwargs)

    return wrapper
