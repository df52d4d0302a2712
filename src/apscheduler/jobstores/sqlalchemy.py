"""The SQL job store: jobs, runs and nodes in any database that SQLAlchemy speaks to.

It reads and writes the table of 3.x in place. SQLite, PostgreSQL, and MySQL or MariaDB have statements of
their own for what happens at every turn; other databases get by with portable ones.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

try:
    from sqlalchemy import MetaData
except ImportError as exc:
    raise ImportError("SQLAlchemyJobStore needs SQLAlchemy: pip install 'apscheduler[sqlalchemy]'") from exc

from apscheduler._clock import SYSTEM
from apscheduler.jobstores import _sql_mysql, _sql_notify, _sql_postgresql, _sql_sqlite
from apscheduler.jobstores._codec import JobCodec
from apscheduler.jobstores._pickled_store import PickledJobStore
from apscheduler.jobstores._sql_claims import ClaimsTable
from apscheduler.jobstores._sql_engine import Database, make_engine
from apscheduler.jobstores._sql_jobs import JobsTable
from apscheduler.jobstores._sql_pages import JobPages
from apscheduler.jobstores._sql_reruns import RerunsTable
from apscheduler.jobstores._sql_return import FiredJobs
from apscheduler.jobstores._sql_runs import NodesTable, RunsTable
from apscheduler.jobstores._sql_schema import Tables, create_tables, define_tables
from apscheduler.util import maybe_ref

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from sqlalchemy.engine import URL, Engine

    from apscheduler._core.claims import (
        Claim,
        Due,
        Finish,
        JobRow,
        NodeRow,
        Rerun,
        RunQuery,
        StoredRun,
    )
    from apscheduler._core.listing import JobQuery
    from apscheduler.job import Job

__all__ = ("SQLAlchemyJobStore",)


class SQLAlchemyJobStore(PickledJobStore):
    """Keeps jobs and the records of their runs in a database; any number of schedulers may share it.

    The tables are created when the store starts. A table that 3.x made gets a column more, and 3.x can go on
    with it.

    A SQLite file is switched to write-ahead logging, so that readers and the writer do not wait for each
    other; writers wait for each other for up to 30 seconds. An engine that is passed in is used as it is, and
    is left open.

    Args:
        url: of the database, as SQLAlchemy writes it; not needed with `engine`.
        engine: an engine to use instead, or a textual reference to one.
        tablename: name of the table of jobs; those of runs, nodes and numbers append `_runs`, `_nodes` and
            `_numbers` to it.
        metadata: a `MetaData` to define the tables in, or a textual reference to one.
        pickle_protocol: protocol that jobs are pickled with.
        tableschema: name of the database schema that the tables are in.
        engine_options: further arguments of `create_engine()`, with `url`.

    Attributes:
        engine: the SQLAlchemy engine.
        jobs_t: the table of jobs.
    """

    _jobs: JobsTable

    def __init__(
        self,
        url: str | URL | None = None,
        engine: Engine | str | None = None,
        tablename: str = "apscheduler_jobs",
        metadata: MetaData | str | None = None,
        pickle_protocol: int = pickle.HIGHEST_PROTOCOL,
        tableschema: str | None = None,
        engine_options: dict[str, Any] | None = None,
    ) -> None:
        given_engine: Engine | None = maybe_ref(engine)
        given_metadata: MetaData | None = maybe_ref(metadata)
        if given_engine is not None:
            self.engine = given_engine
        elif url:
            self.engine = make_engine(url, engine_options or {})
        else:
            raise ValueError(
                'Need either "engine" or "url" defined:'
                " give a database URL such as url='sqlite:///jobs.sqlite', or an SQLAlchemy engine"
            )
        self.pickle_protocol = pickle_protocol
        self._codec = JobCodec(pickle_protocol)
        self._db = Database(self.engine, ours=given_engine is None)
        self._tables = define_tables(
            tablename,
            MetaData() if given_metadata is None else given_metadata,
            tableschema,
            self.engine.dialect.name,
        )
        self.jobs_t = self._tables.jobs
        self._jobs, self._claims = _statements_for(self._db, self._tables)
        self._pages = JobPages(self._db, self._tables)
        self._runs = RunsTable(self._db, self._tables)
        self._reruns = RerunsTable(self._db, self._tables)
        self._nodes = NodesTable(self._db, self._tables)
        self._fired = FiredJobs(self._db, self._tables)
        self._listener: _sql_notify.Listener | None = None

    def start(self, scheduler: Any, alias: str) -> None:
        """Connect, and create or complete the tables."""
        super().start(scheduler, alias)
        self._db.open()
        create_tables(self._db, self._tables)

    def shutdown(self) -> None:
        """Leave the table as 3.x expects it, as far as that is possible now, and close the connections."""
        self._leave_for_3x()
        self._stop_listening()
        self._db.close()

    def forked(self) -> None:
        """Have the child of a fork make connections of its own; those of the parent are not used and not closed."""
        self._db.forked()
        self._codec = JobCodec(self.pickle_protocol)
        self._jobs, self._claims = _statements_for(self._db, self._tables)  # which know who notifies
        self._fired = FiredJobs(self._db, self._tables)
        # Its thread is the parent's, and so is its connection, which is kept lest it be closed.
        self._of_the_parent, self._listener = self._listener, None

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None] | None:
        """Have `callback` called when another process added or changed a job: on PostgreSQL, through psycopg 3.

        It takes a connection and a thread of its own, until what is returned is called or the store is shut down.
        Other databases and drivers cannot tell, which is answered with None.
        """
        jobs = self._jobs
        if (
            not isinstance(jobs, _sql_postgresql.PostgresqlJobsTable)
            or self.engine.driver not in _sql_notify.DRIVERS
        ):
            return None
        self._stop_listening()
        listener = _sql_notify.Listener(self.engine, jobs.channel, jobs.me, callback, self._logger)
        self._listener = listener
        return listener.close

    def _stop_listening(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} (url={self.engine.url.render_as_string()})>"

    # -- jobs ------------------------------------------------------------------------------------------------

    def read_page(self, query: JobQuery) -> Sequence[JobRow]:
        """Return the rows that `query` asks for, and have the database send no others.

        With a limit, a job that is paused or resumed meanwhile may be missing.
        """
        return self._pages.read(query) if self._pages.known else super().read_page(query)

    def get_due_jobs(self, now: datetime) -> list[Job]:
        """Return the jobs whose next run time is `now` or earlier, by ascending next run time."""
        return self._load_all(self._jobs.read_until(now.timestamp()))

    # -- firing ----------------------------------------------------------------------------------------------

    def read_due(self, now: float, limit: int) -> Due:
        """Return at most `limit` jobs that are due, earliest first, and the next run time after `now`."""
        return self._jobs.read_due(now, limit)

    def read_share(self, now: float, limit: int, part: int, parts: int) -> Due:
        """Return at most `limit` due jobs whose revision, divided by `parts`, leaves `part`, earliest first."""
        return self._jobs.read_due(now, limit, (part, parts))

    def claim(self, node: str, claims: Sequence[Claim]) -> Collection[int]:
        """Apply each claim whose job still has the claim's revision; return the indexes of those won."""
        won = self._claims.claim(node, claims, SYSTEM.time())
        self._fired.add(claims[index] for index in won)
        return won

    def finish(self, outcomes: Sequence[Finish], keep: bool = True) -> None:
        """Write outcomes to their run records; only where a record is still RUNNING."""
        self._claims.finish(outcomes, keep)

    def record_runs(self, node: str, claims: Sequence[Claim]) -> None:
        """Insert the run records of `claims`, none of them RUNNING, and leave their jobs alone.

        Done in one transaction for each record, because they are few, and one that exists must not stop the others.
        """
        self._claims.record(node, claims, SYSTEM.time())

    # -- runs and nodes --------------------------------------------------------------------------------------

    def read_runs(self, query: RunQuery) -> Sequence[StoredRun]:
        """Return the matching run records, newest run time first, ties by descending id."""
        return self._runs.read(query)

    def prune_runs(self, before: float | None, per_job: int | None) -> int:
        """Remove finished records that are older than `before`, or not among the newest `per_job` of their
        job.

        Done in transactions of some thousand records, each of them atomic.
        """
        return self._runs.prune(before, per_job)

    def heartbeat(self, node: NodeRow) -> None:
        """Write `node`: insert it, or set its counter."""
        self._nodes.heartbeat(node)

    def read_nodes(self) -> Sequence[NodeRow]:
        """Return all nodes that have not signed off."""
        return self._nodes.read()

    def take_over(self, node_id: str, now: float, reason: str) -> Sequence[StoredRun]:
        """Record the RUNNING runs of a node as INTERRUPTED, finished at `now`, and remove the node."""
        return self._runs.take_over(node_id, now, reason, self._nodes)

    def read_reruns(self, limit: int) -> Sequence[Rerun]:
        """Return at most `limit` INTERRUPTED runs that are to be repeated, oldest run time first."""
        return self._reruns.read(limit)

    def claim_reruns(self, node: str, reruns: Sequence[Rerun]) -> Collection[int]:
        """Claim repetitions, each in a transaction of its own; return the indexes of those that were won."""
        return self._reruns.claim(node, reruns)


def _statements_for(db: Database, tables: Tables) -> tuple[JobsTable, ClaimsTable]:
    if db.family == "sqlite":
        return _sql_sqlite.SqliteJobsTable(db, tables), _sql_sqlite.SqliteClaimsTable(db, tables)
    if db.family == "postgresql" and db.engine.driver in _sql_postgresql.DRIVERS:
        return (
            _sql_postgresql.PostgresqlJobsTable(db, tables),
            _sql_postgresql.PostgresqlClaimsTable(db, tables),
        )
    if db.family == "mysql":
        return JobsTable(db, tables), _sql_mysql.MysqlClaimsTable(db, tables)
    return JobsTable(db, tables), ClaimsTable(db, tables)
