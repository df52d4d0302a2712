"""Documents in RethinkDB: conditional writes are functions of the document, which the server runs atomically."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from threading import Lock
from typing import Any

from rethinkdb import r
from rethinkdb.errors import ReqlOpFailedError

from apscheduler.jobstores._documents import JOBS, NODES, NUMBERS, RUNS, Change, Condition, Document

_AT_ONCE = 200
_of_the_parent: list[Any] = []
"""Kept, because what frees a connection may say goodbye to a server that the parent still talks to."""


class RethinkDocuments:
    """The tables of a store: that of the jobs, and three beside it. One connection, used by one thread at a time."""

    def __init__(self, database: str, table: str, client: Any, connect_args: dict[str, Any]) -> None:
        self._database = database
        self._names = {JOBS: table, **{kind: f"{table}_{kind}" for kind in (RUNS, NODES, NUMBERS)}}
        self._ours = client is None
        self._connect_args = connect_args
        self._lock = Lock()
        self.conn: Any = client

    def prepare(self) -> None:
        """Connect, and create the database, tables and indexes that are missing."""
        if self.conn is None:
            self.conn = r.connect(db=self._database, **self._connect_args)
        if self._database not in self._run(r.db_list()):
            self._create(r.db_create(self._database))
        there = self._run(r.db(self._database).table_list())
        for kind, name in self._names.items():
            if name not in there:
                self._create(r.db(self._database).table_create(name))
            if kind == JOBS and "next_run_time" not in self._run(self._table(JOBS).index_list()):
                self._create(self._table(JOBS).index_create("next_run_time"))
            self._run(self._table(kind).index_wait())

    def get(self, kind: str, ids: Sequence[str], fields: Sequence[str] | None = None) -> list[Document]:
        """Return the documents with these keys that exist, in any order."""
        return [
            document
            for some in _parts(sorted(set(ids)))
            for document in self._run(self._table(kind).get_all(*some).coerce_to("array"))
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
        query = self._table(kind)
        for condition in conditions:
            query = query.filter(_matches(condition))
        if order is not None:
            by = r.desc if order.startswith("-") else r.asc
            fields = [order.lstrip("-"), *(["number"] if kind == RUNS else [])]
            query = query.order_by(*(by(field) for field in fields))
        if limit is not None:
            query = query.limit(max(limit, 0))
        found: list[Document] = self._run(query.coerce_to("array"), array_limit=10_000_000)
        return found

    def counts(
        self, kind: str, field: str, more_than: int, among: Collection[str] | None = None
    ) -> dict[str, int]:
        """Return how many documents have the same value of `field`, for values (`among` these) of more than so many."""
        conditions = [] if among is None else [Condition(field, "in", sorted(among))]
        count = Counter(document[field] for document in self.find(kind, conditions, fields=[field]))
        return {value: times for value, times in count.items() if times > more_than}

    def insert(self, kind: str, documents: Sequence[Document]) -> set[str]:
        """Insert the documents whose keys do not exist; return the keys of the others."""
        there: set[str] = set()
        for some in _parts(documents):
            # Each by itself, because the answer to a batch does not tell in every version which were refused.
            query = r.expr([self._table(kind).insert(_encoded(document)) for document in some])
            for document, answer in zip(some, self._run(query), strict=True):
                if answer["errors"]:
                    if not str(answer.get("first_error")).startswith("Duplicate primary key"):
                        raise ReqlOpFailedError(answer["first_error"])
                    there.add(document["id"])
        return there

    def change(self, kind: str, changes: Sequence[Change]) -> int:
        """Apply each change atomically and return how many documents were as their change said."""
        return self._each(kind, changes, _changed)

    def remove(self, kind: str, changes: Sequence[Change]) -> int:
        """Remove each document that is as `where` says, and return how many those were."""
        return self._each(kind, changes, lambda change, document: None)

    def forked(self) -> None:
        """Leave a connection that was made here to the parent process, open and unused."""
        self._lock = Lock()
        if self._ours:
            _of_the_parent.append(self.conn)
            self.conn = None

    def close(self) -> None:
        """Close a connection that was made here."""
        if self._ours and self.conn is not None:
            self.conn.close(noreply_wait=False)  # because every write was waited for
            self.conn = None

    def _each(self, kind: str, changes: Sequence[Change], new: Any) -> int:
        done = 0
        for some in _parts(changes):
            table = self._table(kind)
            queries = [table.get(change.id).replace(_function(change, new)) for change in some]
            for change, answer in zip(some, self._run(r.expr(queries)), strict=True):
                if answer["errors"]:
                    raise ReqlOpFailedError(f"{change.id}: {answer.get('first_error')}")
                # One that is as it was may have been as the change said, or not; no condition depends on that.
                done += answer["replaced"] + answer["deleted"]
        return done

    def _table(self, kind: str) -> Any:
        return r.db(self._database).table(self._names[kind])

    def _create(self, query: Any) -> None:
        try:
            self._run(query)
        except ReqlOpFailedError as exc:
            if "already exists" not in str(exc):
                raise

    def _run(self, query: Any, **options: Any) -> Any:
        with self._lock:  # because a connection of this driver is for one thread at a time
            if self._ours and not self.conn.is_open():
                self.conn.reconnect(noreply_wait=False)
            return query.run(self.conn, **options)


def _function(change: Change, new: Any) -> Any:
    """Return what becomes of a document: `new` of it if it is as the change says, else itself."""
    # With one parameter, because the driver takes every parameter, also one with a default, for one of the query's.
    return lambda document: r.branch(
        document.eq(None),
        None,
        r.branch(_is_as(change, document), new(change, document), document),
    )


def _matches(condition: Condition) -> Any:
    """Return a function that tells of a document whether it meets a condition."""
    name, op, value = condition
    if op == "in":
        return lambda document: r.expr(list(value)).contains(document[name])
    if op == "==":
        return lambda document: document[name].eq(value)
    if op == "%":
        return lambda document: document[name].default(0).mod(value[0]).eq(value[1])
    # Not null, because that is smaller than every number.
    return lambda document: document[name].ne(None) & _compared(document[name], op, value)


def _compared(field: Any, op: str, value: Any) -> Any:
    return {"<": field.lt, "<=": field.le, ">": field.gt, ">=": field.ge}[op](value)


def _is_as(change: Change, document: Any) -> Any:
    met = r.expr(True)
    for name, value in change.where.items():
        field = document
        for step in name.split("."):
            field = field[step]
        missing = 0 if value == 0 and value is not False else None
        met = met & field.default(missing).eq(value)
    return met


def _changed(change: Change, document: Any) -> Any:
    for path in change.drop:
        document = document.without(_nested(path, True))
    for path, value in change.put.items():
        # A dict replaces what is there, and is not merged into it.
        if isinstance(value, dict):
            document = document.without(_nested(path, True))
        document = document.merge(_nested(path, _encoded(value)))
    return document


def _nested(path: str, value: Any) -> dict[str, Any]:
    first, _, rest = path.partition(".")
    return {first: _nested(rest, value) if rest else value}


def _encoded(value: Any) -> Any:
    if isinstance(value, bytes):
        return r.binary(value)
    return {name: _encoded(part) for name, part in value.items()} if isinstance(value, dict) else value


def _parts(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE)]
