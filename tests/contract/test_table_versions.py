"""Tables that an earlier release made are completed when a store starts; those of a later one are left alone."""

from __future__ import annotations

import pytest
from sqlalchemy import event, inspect, text

import _servers
from apscheduler.jobstores._sql_schema import CURRENT
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.testing._jobstore_tools import StandIn, added, stored

TABLE = "versions"


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def open_store(request, tmp_path):
    url = {
        "sqlite": lambda: f"sqlite:///{tmp_path}/jobs.sqlite",
        "postgresql": _servers.postgresql_url,
        "mariadb": _servers.mariadb_url,
    }[request.param]()

    def opened() -> SQLAlchemyJobStore:
        store = SQLAlchemyJobStore(url, tablename=TABLE)
        stores.append(store)
        return store

    stores: list[SQLAlchemyJobStore] = []
    yield opened
    with stores[0].engine.begin() as conn:
        for suffix in ("", "_runs", "_nodes", "_numbers"):
            conn.execute(text(f"DROP TABLE {TABLE}{suffix}"))
    for store in stores:
        store.engine.dispose()


def indexes_of(store) -> list[list[str]]:
    return sorted(index["column_names"] for index in inspect(store.engine).get_indexes(f"{TABLE}_runs"))


def version_of(store) -> int:
    with store.engine.connect() as conn:
        return conn.scalar(text(f"SELECT value FROM {TABLE}_numbers WHERE name = 'schema_version'"))


def set_version(store, version: int) -> None:
    with store.engine.begin() as conn:
        conn.execute(
            text(f"UPDATE {TABLE}_numbers SET value = :version WHERE name = 'schema_version'"),
            {"version": version},
        )


def drop_index_of_reruns(store) -> None:
    """Leave the tables as version 1 made them."""
    kept = ["job_state"] if store.engine.dialect.name in ("mysql", "mariadb") else ["job_id"]
    [name] = [
        index["name"]
        for index in inspect(store.engine).get_indexes(f"{TABLE}_runs")
        if index["column_names"] == kept
    ]
    on = f" ON {TABLE}_runs" if kept == ["job_state"] else ""
    with store.engine.begin() as conn:
        conn.execute(text(f"DROP INDEX {name}{on}"))


def test_tables_of_version_1_are_upgraded_once_and_keep_what_is_in_them(open_store):
    first = open_store()
    first.start(StandIn(), "default")
    complete, row = indexes_of(first), added(first)
    drop_index_of_reruns(first)
    set_version(first, 1)
    assert indexes_of(first) != complete

    second = open_store()
    second.start(StandIn(), "default")
    assert indexes_of(second) == complete
    assert version_of(second) == CURRENT
    assert stored(second) == row

    statements: list[str] = []
    third = open_store()
    event.listen(third.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    third.start(StandIn(), "default")
    assert [statement for statement in statements if f"{TABLE}_numbers" in statement] == statements[-1:]


def test_tables_of_a_later_version_are_used_and_keep_their_version(open_store):
    first = open_store()
    first.start(StandIn(), "default")
    row = added(first)
    set_version(first, CURRENT + 1)
    second = open_store()
    second.start(StandIn(), "default")
    assert stored(second) == row
    assert version_of(second) == CURRENT + 1
