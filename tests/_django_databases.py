"""Databases for Django on the servers of the tests, as entries of `DATABASES`."""

from __future__ import annotations

from itertools import count
from typing import Any
from urllib.parse import urlsplit

import _servers

_numbers = count(1)


def new_database(kind: str) -> dict[str, Any]:
    """Make an empty database on the server of this kind ("postgresql", "mariadb"), and return its settings."""
    from sqlalchemy import create_engine

    url = {"postgresql": _servers.postgresql_url, "mariadb": _servers.mariadb_url}[kind]()
    name = f"django_{next(_numbers)}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        conn.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    parts = urlsplit(url)
    if kind == "mariadb":
        use_pymysql()
    return {
        "ENGINE": f"django.db.backends.{'mysql' if kind == 'mariadb' else 'postgresql'}",
        "NAME": name,
        "HOST": parts.hostname,
        "PORT": parts.port,
        "USER": parts.username,
        "PASSWORD": parts.password or "",
    }


def use_pymysql() -> None:
    """Have Django use PyMySQL, which needs no compiler, in place of mysqlclient."""
    import pymysql

    pymysql.version_info = (2, 2, 8, "final", 0)  # what Django asks mysqlclient for
    pymysql.install_as_MySQLdb()
