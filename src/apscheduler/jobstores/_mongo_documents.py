"""Documents in MongoDB, with operations that servers which only speak its protocol have as well."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from pymongo import DeleteOne, MongoClient, UpdateOne
from pymongo.collection import Collection as MongoCollection
from pymongo.errors import BulkWriteError

from apscheduler.jobstores._documents import JOBS, NODES, NUMBERS, RUNS, Change, Condition, Document

_OPERATORS = {"<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte", "in": "$in", "==": "$eq"}
_DUPLICATE_KEY = 11000
_AT_ONCE = 1000
_logger = logging.getLogger("apscheduler.jobstores.mongodb")


class MongoDocuments:
    """The collections of a store: that of the jobs, and three beside it."""

    def __init__(
        self, client: MongoClient[dict[str, Any]], jobs: MongoCollection[dict[str, Any]], ours: bool
    ) -> None:
        self._client = client
        self._ours = ours
        self._at_once = _AT_ONCE
        beside = {kind: jobs.database[f"{jobs.name}_{kind}"] for kind in (RUNS, NODES, NUMBERS)}
        self._collections = {JOBS: jobs, **beside}

    def prepare(self) -> None:
        """Create the indexes, and warn where the server cannot keep what is promised."""
        version = str(self._client.admin.command("buildInfo").get("ferretdbVersion", ""))
        if version.startswith("v1."):
            # Some hundred changes in one command make it stand still, for every client.
            self._at_once = 50
            # It reads a document and then writes it, so that of two conditional changes at once both may be done.
            _logger.warning(
                "FerretDB %s does not change documents atomically: schedulers must not share this store",
                version,
            )
        known = [list(index["key"]) for index in self._collections[JOBS].index_information().values()]
        # That of 3.x serves, and one with other options would be refused.
        if [("next_run_time", 1)] not in known:
            self._collections[JOBS].create_index("next_run_time", sparse=True)
        self._collections[JOBS].create_index("busy", sparse=True)
        self._collections[RUNS].create_index([("run_time", 1), ("number", 1)])
        self._collections[RUNS].create_index([("job_id", 1), ("run_time", 1), ("number", 1)])
        self._collections[RUNS].create_index("repeat", sparse=True)

    def get(self, kind: str, ids: Sequence[str], fields: Sequence[str] | None = None) -> list[Document]:
        """Return the documents with these keys that exist, in any order."""
        return [
            _read(document)
            for some in _parts(sorted(set(ids)))
            # In one batch, so that there is no cursor to be read on.
            for document in self._collections[kind].find(
                {"_id": {"$in": some}}, _projection(fields), batch_size=_AT_ONCE + 1
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
        cursor = self._collections[kind].find(_filter(conditions), _projection(fields))
        if order is not None:
            direction = -1 if order.startswith("-") else 1
            # Jobs have no number, and an index serves for no more than it holds.
            ties = [("number", direction)] if kind == RUNS else []
            cursor = cursor.sort([(order.lstrip("-"), direction), *ties])
        if limit is not None:
            cursor = cursor.limit(min(limit, (1 << 31) - 1))
        return [_read(document) for document in cursor]

    def counts(
        self, kind: str, field: str, more_than: int, among: Collection[str] | None = None
    ) -> dict[str, int]:
        """Return how many documents have the same value of `field`, for values (`among` these) of more than so many."""
        pipeline: list[dict[str, Any]] = [
            {"$group": {"_id": f"${field}", "count": {"$sum": 1}}},
            {"$match": {"count": {"$gt": more_than}}},
        ]
        if among is not None:
            pipeline.insert(0, {"$match": {field: {"$in": list(among)}}})
        return {
            found["_id"]: found["count"]
            for found in self._collections[kind].aggregate(pipeline, allowDiskUse=True)
        }

    def insert(self, kind: str, documents: Sequence[Document]) -> set[str]:
        """Insert the documents whose keys do not exist; return the keys of the others."""
        there: set[str] = set()
        for some in _parts(documents):
            new = [_stored(document) for document in some]
            try:
                self._collections[kind].insert_many(new, ordered=False)
            except BulkWriteError as exc:
                errors = exc.details["writeErrors"]
                if exc.details.get("writeConcernErrors") or any(e["code"] != _DUPLICATE_KEY for e in errors):
                    raise
                there.update(new[error["index"]]["_id"] for error in errors)
        return there

    def change(self, kind: str, changes: Sequence[Change]) -> int:
        """Apply each change atomically and return how many documents were as their change said."""
        return self._each(kind, changes, _update, "matched_count")

    def remove(self, kind: str, changes: Sequence[Change]) -> int:
        """Remove each document that is as `where` says, and return how many those were."""
        return self._each(kind, changes, lambda change: DeleteOne(_where(change)), "deleted_count")

    def forked(self) -> None:
        """Do nothing: a client notices by itself, and makes connections of its own."""

    def close(self) -> None:
        """Close a client that was made here."""
        if self._ours:
            self._client.close()

    def _each(self, kind: str, changes: Sequence[Change], make: Callable[[Change], Any], count: str) -> int:
        done = 0
        for some in _parts(changes, self._at_once):
            answer = self._collections[kind].bulk_write([make(change) for change in some], ordered=False)
            done += getattr(answer, count)
        return done


def _projection(fields: Sequence[str] | None) -> dict[str, int] | None:
    return None if fields is None else {"_id": 1, **dict.fromkeys(fields, 1)}


def _filter(conditions: Sequence[Condition]) -> dict[str, Any]:
    where: dict[str, Any] = {}
    for field, op, value in conditions:
        if op == "%":
            divisor, remainder = value
            number = {"$ifNull": [f"${field}", 0]}
            where["$expr"] = {"$eq": [{"$mod": [number, divisor]}, remainder]}
        else:
            where.setdefault(field, {})[_OPERATORS[op]] = value
    return where


def _where(change: Change) -> dict[str, Any]:
    where: dict[str, Any] = {"_id": change.id}
    for name, value in change.where.items():
        where[name] = {"$in": [0, None]} if value == 0 and value is not False else value
    return where


def _update(change: Change) -> UpdateOne:
    update: dict[str, Mapping[str, Any]] = {}
    if change.put:
        update["$set"] = change.put
    if change.drop:
        update["$unset"] = dict.fromkeys(change.drop, "")
    return UpdateOne(_where(change), update)


def _stored(document: Document) -> dict[str, Any]:
    stored = {"_id": document["id"], **document}
    del stored["id"]
    return stored


def _read(document: dict[str, Any]) -> Document:
    document["id"] = document.pop("_id")
    return document


def _parts(items: Sequence[Any], size: int = _AT_ONCE) -> list[Sequence[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
