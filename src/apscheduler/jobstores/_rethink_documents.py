"""Documents in RethinkDB: conditional writes are functions of the document, which the server runs atomically."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from rethinkdb.errors import ReqlOpFailedError

from apscheduler._core.claims import RunKey
from apscheduler.jobstores._document_jobs import ENDLESS
from apscheduler.jobstores._document_records import record_id
from apscheduler.jobstores._documents import JOBS, NODES, NUMBERS, RUNS, Change, Condition, Document
from apscheduler.jobstores._rethink_connections import Connections, GivenConnection, r
from apscheduler.jobstores._rethink_queries import changing, in_queries, inserting, matches, removing

_AT_ONCE = 200
_MOST = 10_000_000
"""Documents that a query may have in memory: what 3.x and programs have read at once should not fail here."""

# An index of records is by run time and number, that of one job's by a digest of its id before these: an id may be
# longer than what RethinkDB keeps of the value in an index.
_INDEXES: dict[str, dict[str, Any]] = {
    JOBS: {"next_run_time": None, "busy": None},
    RUNS: {
        "run_time": lambda document: [document["run_time"], document["number"]],
        "job": lambda document: [document["id"].split("-")[0], document["run_time"], document["number"]],
        "repeat": None,
    },
    NODES: {},
    NUMBERS: {},
}


class RethinkDocuments:
    """The tables of a store: that of the jobs, and three beside it."""

    def __init__(self, database: str, table: str, connections: Connections | GivenConnection) -> None:
        self._database = database
        self._names = {JOBS: table, **{kind: f"{table}_{kind}" for kind in (RUNS, NODES, NUMBERS)}}
        self.connections = connections

    def prepare(self) -> None:
        """Connect, and create the database, tables and indexes that are missing."""
        if self._database not in self._run(r.db_list()):
            self._create(r.db_create(self._database))
        there = self._run(r.db(self._database).table_list())
        for name in self._names.values():
            if name not in there:
                self._create(r.db(self._database).table_create(name))
        tables = {kind: r.db(self._database).table(name) for kind, name in self._names.items()}
        known = self._run(r.expr({kind: table.index_list() for kind, table in tables.items()}))
        for kind, indexes in _INDEXES.items():
            for name in indexes.keys() - set(known[kind]):
                function = indexes[name]
                self._create(tables[kind].index_create(name, *([] if function is None else [function])))
        # Of all of them, because another process may just be making them.
        self._run(r.expr([tables[kind].index_wait(*names) for kind, names in _INDEXES.items() if names]))

    def is_there(self) -> bool:
        """Return whether the table of jobs exists, or that of the nodes."""
        if self._database not in self._run(r.db_list()):
            return False
        names = {self._names[JOBS], self._names[NODES]}
        return not names.isdisjoint(self._run(r.db(self._database).table_list()))

    def get(self, kind: str, ids: Sequence[str], fields: Sequence[str] | None = None) -> list[Document]:
        """Return the documents with these keys that exist, in any order.

        As a majority of the replicas has them, because what is decided by them must not be taken back by a failover.
        """
        return [
            document
            for some in _parts(sorted(set(ids)))
            for document in self._run(
                _only(fields, self.table(kind, "majority").get_all(*some)).coerce_to("array")
            )
        ]

    def find(
        self,
        kind: str,
        conditions: Sequence[Condition] = (),
        order: str | None = None,
        limit: int | None = None,
        fields: Sequence[str] | None = None,
    ) -> list[Document]:
        """Return the documents that meet all conditions, by ascending `order`; "-field" is descending."""
        if limit is not None and limit <= 0:
            return []
        query = self._selected(kind, list(conditions), order)
        if limit is not None:
            query = query.limit(limit)
        query = _only(fields, query)
        # At once where that is bounded; else as a stream, which needs no array of all of it.
        found: list[Document] = self._run(
            query if limit is None else query.coerce_to("array"), array_limit=_MOST
        )
        return found

    def counts(
        self, kind: str, field: str, more_than: int, among: Collection[str] | None = None
    ) -> dict[str, int]:
        """Return how many documents have the same value of `field`, for values (`among` these) of more than so many."""
        table = self.table(kind)
        if among is None:
            groups = table.pluck(field).group(field).count().ungroup()
            found = self._run(
                groups.filter(lambda group: group["reduction"].gt(more_than)), array_limit=_MOST
            )
            return {group["group"]: int(group["reduction"]) for group in found}
        counts: dict[str, int] = {}
        for some in _parts(sorted(among)):
            of_each = [self._selected(kind, [Condition(field, "==", value)], None).count() for value in some]
            counts.update(zip(some, self._run(r.expr(of_each)), strict=True))
        return {value: count for value, count in counts.items() if count > more_than}

    def insert(self, kind: str, documents: Sequence[Document]) -> set[str]:
        """Insert the documents whose keys do not exist; return the keys of the others."""
        there: set[str] = set()
        for some in _parts(documents):
            answer = self._run(inserting(self.table(kind), some))
            if not answer["errors"]:
                continue
            refused = {document["id"] for document in some}.difference(answer["inserted"])
            # Only the first error is told, so it is looked whether the others are of its kind.
            first = str(answer["first_error"])
            if not first.startswith("Duplicate primary key") or refused.difference(
                document["id"] for document in self.get(kind, sorted(refused))
            ):
                raise ReqlOpFailedError(first)
            there |= refused
        return there

    def change(self, kind: str, changes: Sequence[Change]) -> int:
        """Apply each change atomically and return how many documents were as their change said.

        One that is changed into what it was is not counted.
        """
        return self._each(kind, changes, changing)

    def remove(self, kind: str, changes: Sequence[Change]) -> int:
        """Remove each document that is as `where` says, and return how many those were."""
        return self._each(kind, changes, removing)

    def forked(self) -> None:
        """Leave the connections to the parent process, open and unused."""
        self.connections.forked()

    def close(self) -> None:
        """Close the connections that were made here."""
        self.connections.close()

    def table(self, kind: str, read_mode: str = "single") -> Any:
        """Return a table, to make a query of."""
        return r.db(self._database).table(self._names[kind], read_mode=read_mode)

    def _each(self, kind: str, changes: Sequence[Change], make: Any) -> int:
        done = 0
        for shape, some in in_queries(changes):
            # Also where the table is set to answer before it has written, because a claim must not be forgotten.
            answer = self._run(make(self.table(kind), shape, some), durability="hard")
            if answer["errors"]:
                raise ReqlOpFailedError(f"{', '.join(some)}: {answer.get('first_error')}")
            done += answer["replaced"] + answer["deleted"]
        return done

    def _selected(self, kind: str, conditions: list[Condition], order: str | None) -> Any:
        """Return what meets the conditions, in order, read by an index where one serves."""
        table, field = self.table(kind), (order or "").lstrip("-")
        by = r.desc if (order or "").startswith("-") else r.asc
        fields = {condition.field for condition in conditions} | {field}
        equal = next((c for c in conditions if c.op == "==" and c.field in ("busy", "repeat")), None)
        if equal is not None:
            conditions.remove(equal)
            query = table.get_all(equal.value, index=equal.field)
        elif kind == JOBS and "next_run_time" in fields:
            # From a number on, because paused jobs are not meant.
            low, high = _range(conditions, "next_run_time")
            query = table.between(
                low[0], high[0], index="next_run_time", left_bound=low[1], right_bound=high[1]
            )
            query, field = (query.order_by(index=by("next_run_time")), "") if field else (query, "")
        elif kind == RUNS and fields & {"run_time", "job_id"}:
            index, prefix = "run_time", []
            job = next((c for c in conditions if c.op == "==" and c.field == "job_id"), None)
            if job is not None:
                conditions.remove(job)
                index, prefix = "job", [_digest(job.value)]
            low, high = _range(conditions, "run_time")
            query = table.between(*_compound(prefix, low, high), index=index)
            query, field = (query.order_by(index=by(index)), "") if field else (query, "")
        else:
            query = table
        for condition in conditions:
            query = query.filter(matches(condition))
        ties = [by("number")] if kind == RUNS else []
        return query.order_by(by(field), *ties) if field else query

    def _create(self, query: Any) -> None:
        try:
            self._run(query)
        except ReqlOpFailedError as exc:
            if "already exists" not in str(exc):
                raise

    def _run(self, query: Any, **options: Any) -> Any:
        return self.connections.run(query, **options)


def _range(conditions: list[Condition], field: str) -> tuple[tuple[Any, str], tuple[Any, str]]:
    """Take what is asked of a field out of `conditions`; return the ends of that range, open or closed."""
    low, high = (-ENDLESS, "closed"), (ENDLESS, "closed")
    for condition in [c for c in conditions if c.field == field]:
        conditions.remove(condition)
        end = condition.value, "closed" if condition.op.endswith("=") else "open"
        if condition.op in (">", ">=", "=="):
            low = max(low, end)
        if condition.op in ("<", "<=", "=="):
            high = min(high, end)
    return low, high


def _compound(prefix: list[Any], low: tuple[Any, str], high: tuple[Any, str]) -> tuple[list[Any], list[Any]]:
    """Return the range in an index that has a number after the field, as `between()` takes it by default."""
    after = [r.maxval]
    return (
        [*prefix, low[0], *(after if low[1] == "open" else [])],
        [*prefix, high[0], *(after if high[1] == "closed" else [])],
    )


def _only(fields: Sequence[str] | None, query: Any) -> Any:
    """Return a query for these fields and the key; None are all."""
    return query if fields is None else query.pluck("id", *fields)


def _digest(job_id: str) -> str:
    """Return what the keys of the records of a job begin with."""
    return record_id(RunKey(job_id, 0, 0.0)).partition("-")[0]


def _parts(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE)]
