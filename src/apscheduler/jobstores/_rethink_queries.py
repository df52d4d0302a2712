"""Conditional changes of many documents as one query, in which the server changes each document atomically.

The query is a function of the document, and takes what differs between the documents from a table by their keys. It
must be deterministic, because only then RethinkDB decides and writes in one step; it refuses one that is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from apscheduler.jobstores._documents import Change, Condition
from apscheduler.jobstores._rethink_connections import r

AT_ONCE = 100


class Shape(NamedTuple):
    """What the changes in one query have in common.

    `where` are the paths of conditions and what counts where there is nothing; `binary` tells that bytes are written.
    """

    where: tuple[tuple[str, int | None], ...]
    drops: bool
    binary: bool


def in_queries(changes: Sequence[Change]) -> Iterator[tuple[Shape, dict[str, Change]]]:
    """Yield the changes in portions for one query each, by the keys of their documents."""
    open_ones: dict[Shape, dict[str, Change]] = {}
    for change in changes:
        shape = _shape(change)
        some = open_ones.setdefault(shape, {})
        if len(some) == AT_ONCE or change.id in some:
            yield shape, some
            open_ones[shape] = some = {}
        some[change.id] = change
    yield from open_ones.items()


def changing(table: Any, shape: Shape, changes: dict[str, Change]) -> Any:
    """Return the query that applies `changes`, which have one shape.

    A dict that is put is merged into the one that is there; none of this package's stands there before.
    """
    given = r.expr({key: json.dumps(_given(change)) for key, change in changes.items()})
    binary = r.expr(
        {key: _encoded(_nested(_bytes_of(c))) for key, c in changes.items()} if shape.binary else {}
    )

    def changed(document: Any) -> Any:
        def of(own: Any) -> Any:
            new = document.without(own["drop"]) if shape.drops else document
            new = new.merge(own["put"])
            if shape.binary:
                new = new.merge(binary[document["id"]])
            return r.branch(_is_as(shape, document, own), new, document)

        return r.json(given[document["id"]]).do(of)

    return table.get_all(*changes).replace(changed)


def removing(table: Any, shape: Shape, changes: dict[str, Change]) -> Any:
    """Return the query that removes the documents which are as their changes say."""
    if not shape.where:
        return table.get_all(*changes).delete()
    given = r.expr({key: json.dumps(_given(change)) for key, change in changes.items()})

    def left(document: Any) -> Any:
        return r.json(given[document["id"]]).do(
            lambda own: r.branch(_is_as(shape, document, own), None, document)
        )

    return table.get_all(*changes).replace(left)


def inserting(table: Any, documents: Sequence[dict[str, Any]]) -> Any:
    """Return the query that inserts those whose keys are free, and tells their keys and the first other error."""
    insert = table.insert(
        [_encoded(document) for document in documents], return_changes=True, durability="hard"
    )
    return insert.do(
        lambda answer: {
            "errors": answer["errors"],
            "first_error": answer["first_error"].default(None),
            "inserted": answer["changes"].default([]).map(lambda change: change["new_val"]["id"]),
        }
    )


def matches(condition: Condition) -> Any:
    """Return a function that tells of a document whether it meets a condition."""
    name, op, value = condition
    if op == "in":
        return lambda document: r.expr(list(value)).contains(document[name])
    if op == "%":
        return lambda document: document[name].default(0).mod(value[0]).eq(value[1])
    if op == "==":
        return lambda document: document[name].eq(value)
    # Not null, because that is smaller than every number.
    return lambda document: document[name].ne(None) & _compared(document[name], op, value)


def _compared(field: Any, op: str, value: Any) -> Any:
    return {"<": field.lt, "<=": field.le, ">": field.gt, ">=": field.ge}[op](value)


def _shape(change: Change) -> Shape:
    where = tuple(
        (name, 0 if value == 0 and value is not False else None) for name, value in change.where.items()
    )
    return Shape(where, bool(change.drop), bool(_bytes_of(change)))


def _given(change: Change) -> dict[str, Any]:
    put = {path: value for path, value in change.put.items() if not _has_bytes(value)}
    return {
        "where": list(change.where.values()),
        "put": _nested(put),
        "drop": _nested(dict.fromkeys(change.drop, True)),
    }


def _bytes_of(change: Change) -> dict[str, Any]:
    return {path: value for path, value in change.put.items() if _has_bytes(value)}


def _has_bytes(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_bytes(part) for part in value.values())
    return isinstance(value, bytes)


def _is_as(shape: Shape, document: Any, own: Any) -> Any:
    met = r.expr(True)
    for place, (path, missing) in enumerate(shape.where):
        field = document
        for step in path.split("."):
            field = field[step]
        met = met & field.default(missing).eq(own["where"][place])
    return met


def _nested(paths: dict[str, Any]) -> dict[str, Any]:
    """Return the dict in which the values stand at their paths."""
    found: dict[str, Any] = {}
    for path, value in paths.items():
        *steps, last = path.split(".")
        inner = found
        for step in steps:
            inner = inner.setdefault(step, {})
        inner[last] = value
    return found


def _encoded(value: Any) -> Any:
    if isinstance(value, bytes):
        return r.binary(value)
    return {name: _encoded(part) for name, part in value.items()} if isinstance(value, dict) else value
