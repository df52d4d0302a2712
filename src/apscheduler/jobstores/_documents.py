"""What the document stores need of a server: reads, inserts, and conditional changes of one document at a time.

Nothing here spans two documents, because the servers do not promise that. How claims hold all the same is told in
`_document_jobs`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

JOBS = "jobs"
RUNS = "runs"
NODES = "nodes"
NUMBERS = "numbers"

Document = dict[str, Any]


class Change(NamedTuple):
    """Set the fields `put` and drop the fields `drop` of one document, if its fields are as in `where`.

    Names of fields may be paths with dots. A field that is None in `where` may also be missing in the document, and so
    may a number that is 0, because documents of 3.x have no revision. A dict is put only where there is none, or an
    empty one, because some servers merge the two.
    """

    id: str
    where: Mapping[str, Any]
    put: Mapping[str, Any] = {}
    drop: Sequence[str] = ()


class Condition(NamedTuple):
    """One of "==", "<", "<=", ">", ">=", "in", "%" on a field; nothing but "==" None matches a document without it.

    The value of "%" is a divisor and the remainder that it leaves; there a field that is missing is 0.
    """

    field: str
    op: str
    value: Any


class Documents(Protocol):
    """The collections of one store. Documents are dicts with their key under "id"; every write is acknowledged.

    `fields` are those that are needed of what is read, beside the key; None is for all of them.
    """

    def prepare(self) -> None:
        """Create what is missing; any number of processes may do so at once."""

    def get(self, kind: str, ids: Sequence[str], fields: Sequence[str] | None = None) -> list[Document]:
        """Return the documents with these keys that exist, in any order."""

    def find(
        self,
        kind: str,
        conditions: Sequence[Condition] = (),
        order: str | None = None,
        limit: int | None = None,
        fields: Sequence[str] | None = None,
    ) -> list[Document]:
        """Return the documents that meet all conditions, by ascending `order`; "-field" is descending."""

    def counts(
        self, kind: str, field: str, more_than: int, among: Collection[str] | None = None
    ) -> dict[str, int]:
        """Return how many documents have the same value of `field`, for values (`among` these) of more than so many."""

    def insert(self, kind: str, documents: Sequence[Document]) -> set[str]:
        """Insert the documents whose keys do not exist, each atomically; return the keys of the others."""

    def change(self, kind: str, changes: Sequence[Change]) -> int:
        """Apply each change atomically and return how many documents were as their change said."""

    def remove(self, kind: str, changes: Sequence[Change]) -> int:
        """Remove each document that is as `where` says, and return how many those were."""

    def forked(self) -> None:
        """Leave the connections that were made here to the parent process, open and unused."""

    def close(self) -> None:
        """Close a connection that was made here."""
