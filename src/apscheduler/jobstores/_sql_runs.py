"""The run log and the nodes of the SQL job store: lists, pruning, take-over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from apscheduler._core.claims import INTERRUPTED, RUNNING, NodeRow, RunQuery, StoredRun
from apscheduler.jobstores._sql_jobs import CHUNK, chunks
from apscheduler.jobstores._text import storable_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from apscheduler.jobstores._sql_engine import Database
    from apscheduler.jobstores._sql_schema import Tables

# Records that one transaction of pruning looks at, so that it never holds others up for long.
PRUNED_AT_ONCE = 5_000


class RunsTable:
    """The records of runs."""

    def __init__(self, db: Database, tables: Tables) -> None:
        self._db = db
        self._runs = tables.runs
        runs = tables.runs.c
        self._columns = select(*(runs[name] for name in StoredRun._fields))
        self._newest_first = self._columns.order_by(runs.run_time.desc(), runs.id.desc())
        self._running_on = self._columns.where(
            runs.node == bindparam("node_id"), runs.finished.is_(None)
        ).order_by(runs.job_id, runs.revision)
        ids: Any = bindparam("ids", expanding=True)
        self._interrupt = (
            update(tables.runs)
            .where(runs.id.in_(ids), runs.finished.is_(None))
            .values(status=INTERRUPTED, finished=bindparam("b_now"), reason=bindparam("b_reason"))
        )
        self._delete = delete(tables.runs).where(runs.id.in_(ids), runs.finished.is_not(None))
        self._older = (
            select(runs.id)
            .where(runs.run_time < bindparam("before"), runs.finished.is_not(None))
            .order_by(runs.run_time)
            .limit(PRUNED_AT_ONCE)
        )
        self._crowded = (
            select(runs.job_id, func.count())
            .group_by(runs.job_id)
            .having(func.count() > bindparam("per_job"))
        )
        self._surplus = self._surplus_statement()

    def read(self, query: RunQuery) -> list[StoredRun]:
        """Return the matching records, newest run time first, ties by descending id."""
        runs = self._runs.c
        only_running = query.statuses is not None and tuple(query.statuses) == (RUNNING,)
        if only_running:
            # There is an index of these, which is used only where no order is asked for; they are few.
            statement = self._columns.where(runs.finished.is_(None))
        else:
            statement = self._newest_first.limit(query.limit)
        if query.job_id is not None:
            statement = statement.where(runs.job_id == query.job_id)
        if query.statuses is not None:
            statement = statement.where(runs.status.in_(query.statuses))
        if query.since is not None:
            statement = statement.where(runs.run_time >= query.since)
        if query.until is not None:
            statement = statement.where(runs.run_time < query.until)
        found = [_stored_run(row) for row in self._db.fetch(statement)]
        if only_running:
            found.sort(key=lambda run: (run.run_time, run.id), reverse=True)
            return found[: query.limit]
        return found

    def take_over(self, node_id: str, now: float, reason: str, nodes: NodesTable) -> list[StoredRun]:
        """Record the running runs of a node as interrupted, remove the node, and return those runs."""
        text = storable_text(reason)

        def work(conn: Connection) -> list[StoredRun]:
            # Locked first: a second caller waits here, and then finds them finished.
            found = conn.execute(self._running_on.with_for_update(), {"node_id": node_id}).all()
            for rows in chunks(found, CHUNK):
                ids = [row[0] for row in rows]
                conn.execute(self._interrupt, {"ids": ids, "b_now": now, "b_reason": text})
            nodes.remove(conn, node_id)
            return [_stored_run(row)._replace(status=INTERRUPTED, finished=now, reason=text) for row in found]

        return self._db.write(work)

    def prune(self, before: float | None, per_job: int | None) -> int:
        """Remove finished records that are too old or too many, some thousand in each transaction."""
        removed = 0
        if before is not None:
            while rows := self._db.fetch(self._older, {"before": before}):
                removed += self._delete_ids(rows)
        if per_job is not None:
            for job_ids in self._find_crowded(per_job):
                surplus = self._db.fetch(self._surplus, {"ids": job_ids, "per_job": per_job})
                for rows in chunks(surplus, PRUNED_AT_ONCE):
                    removed += self._delete_ids(rows)
        return removed

    def _find_crowded(self, per_job: int) -> list[list[str]]:
        """Return the jobs that have more records than `per_job`, in groups of a bounded number of records."""
        groups: list[list[str]] = []
        size = PRUNED_AT_ONCE
        for job_id, count in self._db.fetch(self._crowded, {"per_job": per_job}):
            if size + count > PRUNED_AT_ONCE or len(groups[-1]) == CHUNK:
                groups.append([])
                size = 0
            groups[-1].append(job_id)
            size += count
        return groups

    def _surplus_statement(self) -> Any:
        """Return the select of those finished records of some jobs that are not among the newest `per_job`.

        Numbered from the oldest on, in the order of the unique index, so that nothing needs to be sorted.
        """
        runs = self._runs.c
        age = (runs.run_time, runs.revision, runs.attempt)
        numbered = (
            select(
                runs.id,
                runs.finished,
                func.row_number().over(partition_by=runs.job_id, order_by=age).label("number"),
                func.count().over(partition_by=runs.job_id).label("of"),
            )
            .where(runs.job_id.in_(bindparam("ids", expanding=True)))
            .subquery()
        )
        return select(numbered.c.id).where(
            numbered.c.number <= numbered.c.of - bindparam("per_job"), numbered.c.finished.is_not(None)
        )

    def _delete_ids(self, rows: Sequence[Any]) -> int:
        ids = [row[0] for row in rows]

        def work(conn: Connection) -> int:
            return sum(conn.execute(self._delete, {"ids": some}).rowcount for some in chunks(ids, CHUNK))

        return self._db.write(work)


class NodesTable:
    """The nodes that have not signed off."""

    def __init__(self, db: Database, tables: Tables) -> None:
        self._db = db
        nodes = tables.nodes.c
        self._all = select(*(nodes[name] for name in NodeRow._fields)).order_by(nodes.started, nodes.id)
        self._set = (
            update(tables.nodes).where(nodes.id == bindparam("b_id")).values(counter=bindparam("b_counter"))
        )
        self._insert = insert(tables.nodes)
        self._remove = delete(tables.nodes).where(nodes.id == bindparam("b_id"))

    def heartbeat(self, node: NodeRow) -> None:
        """Set the counter of `node`, or insert it."""
        values = {"b_id": node.id, "b_counter": node.counter}
        for _ in range(2):
            if self._db.write_once(lambda conn: conn.execute(self._set, values).rowcount):
                return
            try:
                self._db.write_once(lambda conn: conn.execute(self._insert, node._asdict()))
            except IntegrityError:
                continue  # because another thread of the node was faster
            return

    def read(self) -> list[NodeRow]:
        """Return all nodes, the oldest first."""
        return [NodeRow(*row) for row in self._db.fetch(self._all)]

    def remove(self, conn: Connection, node_id: str) -> None:
        """Remove a node, within the caller's transaction."""
        conn.execute(self._remove, {"b_id": node_id})


def _stored_run(row: Any) -> StoredRun:
    run = StoredRun(*row)
    # Some drivers return a view of the bytes.
    return run if run.result is None else run._replace(result=bytes(run.result))
