import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

import _servers

TABLENAME = "contract_jobs"


@pytest.fixture(scope="session")
def postgresql_url() -> str:
    return _servers.postgresql_url()


@pytest.fixture(scope="session")
def mariadb_url() -> str:
    return _servers.mariadb_url()


@pytest.fixture
def emptied(on_server: Callable[[str, str], None]) -> Iterator[Callable[[str], str]]:
    """Return what names the tables to use on a server; they are emptied after the test."""
    urls: list[str] = []

    def tables_on(url: str) -> str:
        urls.append(url)
        return TABLENAME

    yield tables_on
    for url in urls:
        on_server(url, "DELETE FROM {}")


@pytest.fixture(scope="session")
def on_server() -> Iterator[Callable[[str, str], None]]:
    """Return what runs a statement for each table of the suite; at the end the tables are dropped."""
    from sqlalchemy import create_engine

    engines = {}

    def run(url: str, statement: str) -> None:
        if url not in engines:
            engines[url] = create_engine(url)
        with engines[url].begin() as conn:
            for suffix in ("", "_runs", "_nodes", "_numbers"):
                conn.exec_driver_sql(statement.format(TABLENAME + suffix))

    yield run
    for url, engine in engines.items():
        run(url, "DROP TABLE {}")
        engine.dispose()
