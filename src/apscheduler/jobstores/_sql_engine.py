"""Transactions on one SQLAlchemy engine, begun and repeated as each kind of database wants it.

SQLite takes its write lock when a writing transaction begins (BEGIN IMMEDIATE): one that read first and wants
to write later would fail at once where another process wrote in between. Its driver begins transactions by
itself, but none where one is open already. On PostgreSQL a single statement is its own transaction, which
saves two round trips.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from threading import RLock, local
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import StaticPool

from apscheduler._chance import between
from apscheduler._clock import SYSTEM
from apscheduler.jobstores._sql_gate import gate
from apscheduler.jobstores._sql_writer import KeptConnection, may_keep_one

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy.sql import ClauseElement, Executable

T = TypeVar("T")

BUSY_TIMEOUT = 30.0
ATTEMPTS = 10
FIRST_PAUSE = 0.002
LONGEST_PAUSE = 0.25
"""Seconds between the attempts, at most."""

# Why a server gives up a transaction in favour of another: deadlock, serialization failure, lock timeout.
_GIVEN_UP_SQLSTATES = frozenset({"40001", "40P01"})
_GIVEN_UP_MYSQL = frozenset({1020, 1205, 1213})

_DRIVERS = {
    "postgresql": (("psycopg2", "psycopg2"), ("psycopg", "psycopg")),
    "mysql": (("MySQLdb", "mysqldb"), ("pymysql", "pymysql")),
}
_ALIASES = {"postgres": "postgresql", "mariadb": "mysql"}

# One lock for all stores on an engine whose threads share one connection: transactions on it must not mix.
_of_the_parent: list[Any] = []
"""Pools of connections that the parent of this process uses."""
_locks: WeakKeyDictionary[Engine, AbstractContextManager[Any]] = WeakKeyDictionary()


def make_engine(url: str | URL, options: dict[str, Any]) -> Engine:
    """Return a new engine for `url`, with what the job store needs set where `options` do not set it.

    A URL that names no driver gets the one that 3.x would use if it is installed, else psycopg 3 or PyMySQL.
    """
    try:
        url = make_url(url)
    except ArgumentError as exc:
        # Without the text itself, because it may hold a password.
        raise ArgumentError(
            f"{exc}: it is no database URL; write 'sqlite:///jobs.sqlite' or 'postgresql://user:password@host/database'"
        ) from None
    url = _with_driver(url)
    family = url.get_backend_name()
    options = dict(options)
    if family == "sqlite":
        options["connect_args"] = {"timeout": BUSY_TIMEOUT, **options.get("connect_args", {})}
        if _is_in_memory(url) and "poolclass" not in options and "pool" not in options:
            # One database for all threads, because SQLAlchemy would give each of them an empty one of its
            # own.
            options["poolclass"] = StaticPool
            options["connect_args"].setdefault("check_same_thread", False)
    else:
        # A connection that died while idle is replaced instead of failing a turn.
        options.setdefault("pool_pre_ping", True)
    if url.drivername == "postgresql+psycopg":
        # A prepared statement keeps its plan while the tables grow from a few rows to a million.
        options["connect_args"] = {"prepare_threshold": None, **options.get("connect_args", {})}
    if family in ("mysql", "mariadb"):
        # Because REPEATABLE READ locks the gaps between rows, on which two nodes deadlock.
        options.setdefault("isolation_level", "READ COMMITTED")
    try:
        engine = create_engine(url, **options)
    except ImportError as exc:
        raise ImportError(
            f"SQLAlchemyJobStore needs the driver of {url.drivername}, which is not installed: {exc}"
        ) from exc
    if family == "sqlite":
        event.listen(engine, "connect", _make_durable)
    return engine


def _with_driver(url: URL) -> URL:
    family, _, driver = url.drivername.partition("+")
    extra = _ALIASES.get(family, family)
    drivers = _DRIVERS.get(extra)
    if driver or drivers is None:
        return url if family != "postgres" else url.set(drivername=f"postgresql+{driver}")
    family = "postgresql" if family == "postgres" else family
    for module, name in drivers:
        if find_spec(module) is not None:
            return url.set(drivername=f"{family}+{name}")
    raise ImportError(
        f"SQLAlchemyJobStore needs a driver for {family}: pip install 'apscheduler[{extra}]'"
        f" (or name another one in the URL, as in {family}+driver://)"
    )


def _is_in_memory(url: URL) -> bool:
    database = url.database or ""
    return database in ("", ":memory:") or ":memory:" in database or url.query.get("mode") == "memory"


def _make_durable(connection: Any, _record: Any) -> None:
    """Have every commit reach the disk before it counts.

    With NORMAL a power cut could take back the claim of a run that has started, and the run would be started
    again. It is what SQLite itself defaults to, but some builds change that.
    """
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


class Database:
    """Runs statements on an engine; may be used from any thread."""

    def __init__(self, engine: Engine, ours: bool) -> None:
        """Take an engine; only one that is `ours` is configured and, at the end, disposed of."""
        self.engine = engine
        self.family = "mysql" if engine.dialect.name in ("mysql", "mariadb") else engine.dialect.name
        self._ours = ours
        self._gate: AbstractContextManager[Any] = gate if self.family == "sqlite" else nullcontext()
        self._writing = local()
        self._begins = engine
        # Only there it costs nothing: MySQL is asked to switch, and SQLite parses its statements again.
        self._commits_by_itself = (
            engine.execution_options(isolation_level="AUTOCOMMIT") if self.family == "postgresql" else engine
        )
        self._shares_connection = isinstance(engine.pool, StaticPool)
        self._turn: AbstractContextManager[Any] = nullcontext()
        self._make_lock()
        keeps = ours and self.family == "sqlite" and may_keep_one(engine)
        self._kept = KeptConnection(engine) if keeps else None

    def _make_lock(self) -> None:
        if self._shares_connection:
            self._turn = _locks.setdefault(self.engine, RLock())

    def forked(self) -> None:
        """Leave the connections to the parent process, open and unused."""
        if self._shares_connection and not self._ours:
            return  # the database is the connection; the caller knows what else is in it
        # Kept, because what frees a connection may say goodbye to a server that the parent still talks to.
        _of_the_parent.append(self.engine.pool)
        if self._kept is not None:
            _of_the_parent.append(self._kept.forked())
        self.engine.dispose(close=False)
        _locks.clear()
        self._make_lock()
        self._writing = local()

    def open(self) -> None:
        """Prepare the database for use; called before anything else, again after `close()`."""
        if self.family == "sqlite":
            if self._ours:
                self._switch_to_wal()
        elif self._is_in_autocommit():
            # The caller's engine begins no transactions; ours need them.
            self._begins = self.engine.execution_options(isolation_level="READ COMMITTED")

    def close(self) -> None:
        """Close the connections of an engine that was made here."""
        if self._ours:
            with self._gate:
                if self._kept is not None:
                    self._kept.close()
                self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Return a connection for one statement, which is a transaction of its own, and its rows."""
        with self._gate, self._turn, self._commits_by_itself.connect() as conn:
            yield conn

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Return a connection in a transaction that ends with a commit, or is rolled back by an exception."""
        with self._begun() as conn:
            if self.family == "sqlite":
                _begin_immediately(conn)
            yield conn

    def write(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` returns, done in one transaction; repeated where the server gave that up."""
        return self._repeated(self.writing, work)

    def write_once(self, work: Callable[[Connection], T]) -> T:
        """Do the same for work that is a single statement."""
        return self._repeated(self.reading if self.family == "postgresql" else self._begun, work)

    def fetch(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """Return all rows of a statement that only reads."""
        return self._repeated(self.reading, lambda conn: conn.execute(statement, values).all())

    def prepared(self, statement: ClauseElement) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
        """Return what fetches the rows of a statement that only reads, compiled now and not when it is first needed."""
        compiled: Any = statement.compile(dialect=self.engine.dialect)
        sql, names, constants = compiled.string, compiled.positiontup, compiled.construct_params(_check=False)

        def fetch(values: Mapping[str, Any]) -> Sequence[Any]:
            given = {**constants, **values}
            sent = given if names is None else tuple(given[name] for name in names)
            return self._repeated(self.reading, lambda conn: conn.exec_driver_sql(sql, sent).all())

        return fetch

    def scalar(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Any:
        """Return the first column of the first row of a statement that only reads."""
        return self._repeated(self.reading, lambda conn: conn.execute(statement, values).scalar())

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        """Return a connection in a transaction; one within another is refused, because each would wait for the other.

        Only the handler of a signal comes into the middle of a transaction.
        """
        own = self._writing
        if getattr(own, "under_way", False):
            raise RuntimeError(
                "This call was made by a signal's handler that has come in the middle of another write to the same"
                " database, and would wait for it for ever: have the handler start a thread that makes the call"
            )
        own.under_way = True
        try:
            begins = self._begins if self._kept is None else self._kept
            with self._gate, self._turn, begins.begin() as conn:
                yield conn
        finally:
            own.under_way = False

    def _repeated(
        self, begin: Callable[[], AbstractContextManager[Connection]], work: Callable[[Connection], T]
    ) -> T:
        for attempt in range(ATTEMPTS - 1):
            try:
                with begin() as conn:
                    return work(conn)
            except DBAPIError as exc:
                if not _was_given_up(exc):
                    raise
            # Those that got into each other's way must not all come back at the same moment.
            time.sleep(between(0.0, min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE)))
        with begin() as conn:
            return work(conn)

    def _switch_to_wal(self) -> None:
        """Have readers and the writer of a SQLite file not wait for each other, where that is possible."""
        deadline = SYSTEM.monotonic() + BUSY_TIMEOUT
        with self.reading() as conn:
            while True:
                try:
                    conn.exec_driver_sql("PRAGMA journal_mode=WAL").fetchall()
                except DBAPIError as exc:
                    # The switch does not wait for other processes that use the file, so the waiting is done
                    # here.
                    if "locked" not in str(exc.orig) or SYSTEM.monotonic() > deadline:
                        return  # then with a rollback journal, which is slower but as safe
                    time.sleep(0.02)
                else:
                    return

    def _is_in_autocommit(self) -> bool:
        with self.engine.connect() as conn:
            dbapi: Any = conn.connection.dbapi_connection
            asked = getattr(dbapi, "get_autocommit", None)
            return bool(asked()) if callable(asked) else getattr(dbapi, "autocommit", False) is True


def _begin_immediately(conn: Connection) -> None:
    dbapi: Any = conn.connection.dbapi_connection
    if (
        dbapi.in_transaction
    ):  # begun by a listener of the caller's engine, in the way that SQLAlchemy recommends
        dbapi.rollback()
    conn.exec_driver_sql("BEGIN IMMEDIATE")


def _was_given_up(exc: DBAPIError) -> bool:
    original: Any = exc.orig
    state = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
    if state in _GIVEN_UP_SQLSTATES:
        return True
    args: Sequence[Any] = getattr(original, "args", ())
    return bool(args) and args[0] in _GIVEN_UP_MYSQL
