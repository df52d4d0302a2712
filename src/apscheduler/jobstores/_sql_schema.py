"""The tables of the SQL job store, and how a database gets them, also one that 3.x has filled.

The jobs table is that of 3.x with one column more, `revision`, which has a default, so that 3.x can go on
writing rows. What is new otherwise (runs, nodes, one number) lives in tables of its own beside it, which 3.x
does not see.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateColumn, SchemaItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection
    from sqlalchemy.engine.reflection import Inspector
    from sqlalchemy.types import TypeEngine

    from apscheduler.jobstores._sql_engine import Database

FLOOR = "revision_floor"
VERSION = "schema_version"
CURRENT = 2
"""1 lacked the index of runs that are to be repeated."""
ATTEMPTS = 20

_MYSQL = ("mysql", "mariadb")
_INNODB = {f"{name}_{key}": value for name in _MYSQL for key, value in {"engine": "InnoDB"}.items()}


class Tables(NamedTuple):
    """The tables of one store."""

    jobs: Table
    runs: Table
    nodes: Table
    numbers: Table


def define_tables(tablename: str, metadata: MetaData, schema: str | None, dialect: str) -> Tables:
    """Return the tables of a store; those of its names that `metadata` has already are shared."""

    def table(name: str, columns: Sequence[SchemaItem]) -> Table:
        known: Table | None = metadata.tables.get(f"{schema}.{name}" if schema else name)
        if known is not None:
            return known
        options: dict[str, Any] = {"sqlite_autoincrement": True, **_INNODB}
        return Table(name, metadata, *columns, schema=schema, **options)

    return Tables(
        table(tablename, _jobs_columns()),
        table(f"{tablename}_runs", _runs_columns(f"{tablename}_runs", dialect)),
        table(f"{tablename}_nodes", _nodes_columns()),
        table(f"{tablename}_numbers", _numbers_columns()),
    )


def create_tables(db: Database, tables: Tables) -> None:
    """Create what is missing; any number of processes may do so at once.

    A step that fails is looked at again, because the likely reason is that another process has just done the
    same: then there is nothing left to do. An error that stays, or a server that does not answer, is raised.
    """
    if _are_complete(db, tables):
        return
    for attempt in range(ATTEMPTS):
        try:
            with db.writing() as conn:
                _create_missing(conn, tables)
        except DBAPIError as exc:
            if exc.statement is None or attempt == ATTEMPTS - 1:
                raise
        else:
            return


def _are_complete(db: Database, tables: Tables) -> bool:
    """Return whether all tables are as they should be: one statement instead of an inspection."""
    numbers = tables.numbers.c
    probe = select(
        numbers.value,
        select(tables.jobs.c.revision).where(false()).scalar_subquery(),
        select(tables.runs.c.job_state).where(false()).scalar_subquery(),
        select(tables.nodes.c.counter).where(false()).scalar_subquery(),
    ).where(numbers.name == VERSION)
    try:
        found = db.scalar(probe)
    except DBAPIError as exc:
        if exc.statement is None:
            raise
        return False
    return found is not None and found >= CURRENT


def _create_missing(conn: Connection, tables: Tables) -> None:
    look = inspect(conn)
    for table in tables:
        if look.has_table(table.name, schema=table.schema):
            _create_missing_indexes(conn, look, table)
        else:
            table.create(conn)
    look.clear_cache()
    columns = {column["name"] for column in look.get_columns(tables.jobs.name, schema=tables.jobs.schema)}
    if "revision" not in columns:
        _add_revision(conn, tables.jobs)
    numbers = tables.numbers
    known: set[Any] = set(conn.scalars(select(numbers.c.name)))
    for name, value in ((FLOOR, 0), (VERSION, CURRENT)):  # the version last: it says that all is there
        if name not in known:
            conn.execute(insert(numbers).values(name=name, value=value))
    conn.execute(
        update(numbers).where(numbers.c.name == VERSION, numbers.c.value < CURRENT).values(value=CURRENT)
    )


def _create_missing_indexes(conn: Connection, look: Inspector, table: Table) -> None:
    # Not only a table of 3.x may lack one: a process may have been killed between a table and its indexes.
    known = [index["column_names"] for index in look.get_indexes(table.name, schema=table.schema)]
    for index in table.indexes:
        if [column.name for column in index.columns] not in known:
            index.create(conn)


def _add_revision(conn: Connection, jobs: Table) -> None:
    preparer = conn.dialect.identifier_preparer
    column = CreateColumn(jobs.c.revision).compile(dialect=conn.dialect)
    word = "ADD" if conn.dialect.name in ("mssql", "oracle") else "ADD COLUMN"
    conn.exec_driver_sql(f"ALTER TABLE {preparer.format_table(jobs)} {word} {column}")


# -- columns -------------------------------------------------------------------------------------------------


def _text(length: int) -> TypeEngine[str]:
    """Return a text that is compared byte by byte, as Python does; MySQL would ignore case and accents."""
    exact = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin")
    return String(length).with_variant(exact, *_MYSQL)


def _long_text() -> TypeEngine[str]:
    return Text().with_variant(mysql.MEDIUMTEXT(charset="utf8mb4"), *_MYSQL)


def _blob() -> TypeEngine[bytes]:
    # Because a plain BLOB of MySQL ends at 64 KiB; 3.x reads either.
    return LargeBinary().with_variant(mysql.MEDIUMBLOB(), *_MYSQL)


def _jobs_columns() -> list[SchemaItem]:
    return [
        Column("id", _text(191), primary_key=True),
        Column("next_run_time", Float(25), index=True),
        Column("job_state", _blob(), nullable=False),
        Column("revision", BigInteger, nullable=False, server_default="0"),
    ]


def _runs_columns(table: str, dialect: str) -> list[SchemaItem]:
    job_id = Column("job_id", _text(191), nullable=False)
    revision = Column("revision", BigInteger, nullable=False)
    run_time = Column("run_time", Double, nullable=False, index=True)
    attempt = Column("attempt", Integer, nullable=False)
    finished = Column("finished", Double)
    job_state = Column("job_state", _blob())
    indexes: list[SchemaItem]
    if dialect in ("sqlite", "postgresql"):
        is_live, is_kept = finished.is_(None), job_state.is_not(None)
        indexes = [
            Index(None, job_id, revision, sqlite_where=is_live, postgresql_where=is_live),
            Index(_index_name(table, "kept"), job_id, sqlite_where=is_kept, postgresql_where=is_kept),
        ]
    else:  # has no partial indexes, so the index begins with what tells live runs
        indexes = [Index(None, finished, job_id, revision)]
        if dialect in _MYSQL:
            indexes.append(Index(None, job_state, mysql_length=1, mariadb_length=1))
    return [
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        job_id,
        revision,
        run_time,
        attempt,
        Column("status", _text(16), nullable=False),
        Column("node", _text(64)),
        Column("reason", _long_text()),
        Column("started", Double),
        finished,
        Column("error", _long_text()),
        Column("traceback", _long_text()),
        Column("result", _blob()),
        job_state,
        # The run time comes before the revision, so that this index also lists the newest runs of a job.
        UniqueConstraint(job_id, run_time, revision, attempt),
        *indexes,
    ]


def _index_name(table: str, what: str) -> str:
    """Return the name of a second index that begins with the same column; PostgreSQL takes 63 bytes."""
    name = f"ix_{table}_{what}"
    return name if len(name.encode()) <= 63 else f"ix_{zlib.crc32(table.encode()):08x}_{what}"


def _nodes_columns() -> list[SchemaItem]:
    return [
        Column("id", _text(64), primary_key=True),
        Column("host", _text(255), nullable=False),
        Column("pid", BigInteger, nullable=False),
        Column("started", Double, nullable=False),
        Column("counter", BigInteger, nullable=False),
    ]


def _numbers_columns() -> list[SchemaItem]:
    return [
        Column("name", _text(64), primary_key=True),
        Column("value", BigInteger, nullable=False),
    ]
