"""Django in the tests' own process: one settings object, databases that are made when a test asks for them."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from django.conf import settings

import _django_databases

if not settings.configured:
    settings.configure(
        INSTALLED_APPS=["django_apscheduler"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        USE_TZ=True,
        TIME_ZONE="Europe/Berlin",
    )
    import django

    django.setup()

from django.core.management import call_command
from django.db import connections

from django_apscheduler.models import DjangoJob, DjangoJobExecution, DjangoJobNode, DjangoJobNumber

_numbers = count()
TABLES = (DjangoJob, DjangoJobExecution, DjangoJobNode, DjangoJobNumber)


@cache
def database(kind: str) -> str:
    """Return the alias of a migrated database of this kind, made when it is first asked for."""
    if kind == "sqlite":
        folder = tempfile.mkdtemp(prefix="apscheduler-django-")
        options = {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder}/jobs.sqlite3"}
    else:
        options = _django_databases.new_database(kind)
    add_alias(kind, options)
    call_command("migrate", database=kind, verbosity=0)
    return kind


def add_alias(alias: str, options: dict[str, Any]) -> None:
    """Add an entry to `DATABASES`."""
    connections.settings[alias] = connections.configure_settings({"default": {}, alias: options})[alias]


@pytest.fixture
def added_database() -> Iterator[Callable[..., str]]:
    """Return what adds an entry to `DATABASES` for a test, and returns its alias."""
    added: list[str] = []

    def add(**options: Any) -> str:
        added.append(f"own_{next(_numbers)}")
        add_alias(added[-1], options)
        return added[-1]

    yield add
    for alias in added:
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]


@pytest.fixture
def emptied() -> Iterator[Callable[[str], str]]:
    """Return what names the alias of a database whose tables are emptied after the test."""
    used: set[str] = set()

    def use(kind: str) -> str:
        used.add(kind)
        alias = database(kind)
        connections[alias].ensure_connection()  # else each call of this thread opens a new one
        return alias

    yield use
    for alias in used:
        for table in TABLES:
            table.objects.using(alias).all()._raw_delete(alias)


@pytest.fixture(scope="session", autouse=True)
def closed_at_the_end() -> Iterator[None]:
    """Close what this thread has opened; before, each test would open it again."""
    yield
    connections.close_all()
