"""The job store that `--store URL` names, opened for reading or for a change; reading makes nothing.

An SQL store that is only read is not started, because starting it creates tables. So a wrong URL or table name leaves
nothing behind, neither a table nor an empty SQLite file. The stores of other servers are in `_servers`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apscheduler._core.claims import JobRow
from apscheduler._core.listing import JobQuery, Position, selected
from apscheduler.cli._errors import RefusedError, first_line
from apscheduler.cli._options import DEFAULT_TABLE
from apscheduler.cli._servers import KINDS, opened_server
from apscheduler.jobstores.base import ClaimingJobStore

if TYPE_CHECKING:
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore

ALL = JobQuery()
_PASSWORD = re.compile(r"(://[^/@:]*:)[^@]*@")


@contextmanager
def opened(url: str, table: str, runs: bool = False, change: bool = False) -> Iterator[ClaimingJobStore]:
    """Return the store of a URL, which exists; what its database complains of meanwhile refuses the command.

    Args:
        url: of the database.
        table: name of the table of jobs, or what stands for it on another server.
        runs: whether the run log is needed too, which a table of 3.x does not have.
        change: whether something will be changed; then a table of 3.x is completed first.
    """
    if url.partition(":")[0] in KINDS:
        with opened_server(url, hidden(url), None if table == DEFAULT_TABLE else table) as store:
            yield store
    else:
        with _opened_sql(url, table, runs, change) as store:
            yield store


@contextmanager
def _opened_sql(url: str, table: str, runs: bool, change: bool) -> Iterator[ClaimingJobStore]:
    store = _make(url, table)
    from sqlalchemy.exc import SQLAlchemyError

    try:
        _require_tables(store, url, table, runs and not change)
        if change:
            store.start(None, "default")
        yield store
    except SQLAlchemyError as exc:
        original = getattr(exc, "orig", None) or exc
        raise RefusedError(
            f"--store {hidden(url)}: the database does not answer as it should ({first_line(original)});"
            " check the URL, and that the server can be reached from here"
        ) from exc
    finally:
        store.engine.dispose()


def hidden(url: str) -> str:
    """Return a URL without its password."""
    return _PASSWORD.sub(r"\1***@", url)


def has_tables(store: SQLAlchemyJobStore) -> bool:
    """Return whether the store has its table of jobs, without creating one, nor a SQLite file."""
    from sqlalchemy import inspect

    missing = _missing_file(store.engine.url)
    table = store.jobs_t
    return missing is None and inspect(store.engine).has_table(table.name, schema=table.schema)


def read_rows(store: ClaimingJobStore, query: JobQuery = ALL) -> Sequence[JobRow]:
    """Return the stored rows that are asked for by next run time, also of an SQL table of 3.x without revisions."""
    sql = _without_revisions(store)
    if sql is None:
        return store.read_jobs() if query == ALL else store.read_page(query)
    return selected(_rows_of_3x(sql), query)


def place_of(store: ClaimingJobStore, job_id: str) -> Position:
    """Return where a job stands in the list; refuse the command where there is no such job."""
    sql = _without_revisions(store)
    rows = [store.read_job(job_id)] if sql is None else [row for row in _rows_of_3x(sql) if row[0] == job_id]
    if not rows or rows[0] is None:
        raise RefusedError(f"--after {job_id!r}: the store has no such job; `apscheduler jobs` lists them")
    return Position(rows[0].next_run_time, job_id)


def _without_revisions(store: ClaimingJobStore) -> SQLAlchemyJobStore | None:
    """Return `store` if it is an SQL table as 3.x made it, which no store of this version has completed yet."""
    if not hasattr(store, "jobs_t"):
        return None
    from sqlalchemy import inspect

    sql: SQLAlchemyJobStore = store  # type: ignore[assignment]  # which alone has such a table
    table = sql.jobs_t
    columns = {column["name"] for column in inspect(sql.engine).get_columns(table.name, schema=table.schema)}
    return None if "revision" in columns else sql


def _rows_of_3x(store: SQLAlchemyJobStore) -> list[JobRow]:
    from sqlalchemy import select

    table = store.jobs_t
    with store.engine.connect() as conn:
        found = conn.execute(select(table.c.id, table.c.next_run_time, table.c.job_state)).all()
    return [JobRow(row[0], row[1], 0, bytes(row[2])) for row in found]


def _make(url: str, table: str) -> SQLAlchemyJobStore:
    try:
        from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    except ImportError as exc:
        raise RefusedError(f"--store {hidden(url)}: {first_line(exc)}") from exc
    if not table:
        raise RefusedError("--table '' is no name: give that of the table of jobs, or leave the option out")
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return SQLAlchemyJobStore(url=url, tablename=table)
    except ImportError as exc:
        raise RefusedError(f"--store {hidden(url)}: {first_line(exc)}") from exc
    except (SQLAlchemyError, ValueError) as exc:
        raise RefusedError(
            f"--store {hidden(url)!r} is no database URL ({first_line(exc)}): write it like"
            " sqlite:///jobs.sqlite, postgresql://user:password@host/database or redis://host:6379/0"
        ) from exc


def _require_tables(store: SQLAlchemyJobStore, url: str, table: str, runs: bool) -> None:
    missing = _missing_file(store.engine.url)
    if missing is not None:
        raise RefusedError(
            f"--store {hidden(url)}: there is no file {missing} (after sqlite: three slashes begin a path from the"
            " current folder, four one from the root)"
        )
    from sqlalchemy import inspect

    look = inspect(store.engine)
    if not look.has_table(table):
        names = ", ".join(look.get_table_names()[:8]) or "none"
        raise RefusedError(
            f"--table {table!r}: {hidden(url)} has no such table, a scheduler creates it when it starts;"
            f" tables that are there: {names}"
        )
    if not {"id", "next_run_time", "job_state"} <= {column["name"] for column in look.get_columns(table)}:
        raise RefusedError(
            f"--table {table!r} of {hidden(url)} is not a table of jobs: give the name of that one"
        )
    if runs and not look.has_table(f"{table}_runs"):
        raise RefusedError(
            f"--table {table!r} of {hidden(url)} has no run log yet: APScheduler 3 made it, and the run log is"
            " created when a scheduler of this version starts on it"
        )


def _missing_file(url: Any) -> Path | None:
    """Return the path of a SQLite file that does not exist; connecting would create it."""
    database = url.database or ""
    if url.get_backend_name() != "sqlite" or database in ("", ":memory:") or database.startswith("file:"):
        return None
    path = Path(database).absolute()
    return None if path.is_file() else path
