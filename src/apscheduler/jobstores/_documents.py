"""What the document stores need of a server: reads, inserts, and conditional changes of one document at a time.

Nothing here spans two documents, because the servers do not promise that. How claims hold all the same is told in
`_document_jobs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

JOBS = "jobs"
RUNS = "runs"
NODES = "nodes"
NUMBERS = "numbers"

Document = dict[str, Any]


class Change(NamedTuple):
    """Set the fields `put` and drop the fields `drop` of one document, if its fields are as in `where`.

    Names of fields may be paths with dots. A field that is None in `where` may also be missing in the document, and so
    may a number that is 0, because documents of 3.x have no revision.
    """

    id: str
    where: Mapping[str, Any]
    put: Mapping[str, Any] = {}
    drop: Sequence[str] = ()


class Condition(NamedTuple):
    """One of "==", "<", "<=", ">", ">=", "in" on a field; nothing but "==" None matches a document without it."""

    field: str
    op: str
    value: Any


class Documents(Protocol):
    """The collections of one store. Documents are dicts with their key under "id"; every write is acknowledged."""

    def prepare(self) -> None:
        """Create what is missing; any number of processes may do so at once."""

    def get(self, kind: str, ids: Sequence[str]) -> list[Document]:
        """Return the documents with these keys that exist, in any order."""

    def find(
        self,
        kind: str,
        conditions: Sequence[Condition] = (),
        order: str | None = None,
        limit: int | None = None,
    ) -> list[Document]:
        """Return the documents that meet all conditions, by ascending `order`; "-field" is descending."""

    def insert(self, kind: str, documents: Sequence[Document]) -> set[str]:
        """Insert the documents whose keys do not exist, each atomically; return the keys of the others."""

    def change(self, kind: str, changes: Sequence[Change]) -> int:
        """Apply each change atomically and return how many documents were as their change said."""

    def remove(self, kind: str, changes: Sequence[Change]) -> int:
        """Remove each document that is as `where` says, and return how many those were."""

    def close(self) -> None:
        """Close a connection that was made here."""
