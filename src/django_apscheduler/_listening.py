"""Hearing from PostgreSQL that another process has added or changed a job, on a connection that Django would make."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.db import connections

from apscheduler.jobstores._sql_notify import Listener, channel_of
from django_apscheduler.models import DjangoJob

CHANNEL = channel_of(DjangoJob._meta.db_table, None)  # noqa: SLF001 - Django documents it under this name


def can_listen(alias: str) -> bool:
    """Return whether the database is PostgreSQL, through psycopg 3."""
    if connections[alias].vendor != "postgresql":
        return False
    from django.db.backends.postgresql.psycopg_any import is_psycopg3

    return bool(is_psycopg3)


def listener(alias: str, own: str, heard: Callable[[], None], logger: logging.Logger) -> Listener:
    """Return what calls `heard` for each change that another process makes, until it is closed."""
    source: Any = _Source(alias)
    return Listener(source, CHANNEL, own, heard, logger)


class _Source:
    """Makes connections that belong to nobody else; so shaped as the listener asks for them."""

    driver_connection: Any = None

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def raw_connection(self) -> _Source:
        """Open a connection."""
        if not apps.ready:
            raise RuntimeError("the project is not set up yet")
        known = connections[self._alias]
        settings = copy.deepcopy(known.settings_dict)
        settings["OPTIONS"].pop("pool", None)  # because it is not given back
        wrapper: Any = type(known)(settings, self._alias)
        wrapper.connect()
        self.driver_connection = wrapper.connection
        return self

    def detach(self) -> None:
        """Leave the connection to whom it was given."""
        self.driver_connection = None
