"""Database servers for the benchmarks: those that the tests start, where they are installed."""

from __future__ import annotations

import atexit
import itertools
import os
import sys
from pathlib import Path

_numbers = itertools.count(1)


def postgresql() -> str | None:
    """Return the URL of a new database on a PostgreSQL server, removed at exit; None where there is no server.

    The server may be one that somebody else uses, so nothing but the new database is touched.
    """
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from sqlalchemy import make_url

    import _servers

    try:
        server = make_url(_servers.postgresql_url())
    except BaseException as exc:  # what pytest skips a test with
        print(f"PostgreSQL is left out: {exc}", file=sys.stderr)
        return None
    name = f"bench_{os.getpid()}_{next(_numbers)}"
    _run(server, f"CREATE DATABASE {name}")
    atexit.register(_run, server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    return server.set(database=name).render_as_string(hide_password=False)


def _run(server, statement: str) -> None:
    from sqlalchemy import create_engine

    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.exec_driver_sql(statement)
    engine.dispose()
