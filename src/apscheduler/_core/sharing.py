"""Which of many due jobs a scheduler takes first, where others live in the same store.

Schedulers that all read the earliest due jobs all claim the same ones, and all but one of them have worked in vain. So
each of them takes first what falls to it by the jobs' revisions. It is for speed alone: nodes may disagree about who
lives, and nothing is left undone, because who has finished its own share helps with the rest after a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from apscheduler._core.claims import DueRow, NodeRow

SHARED_FROM = 40
"""How many jobs must be due for it to be worth while."""


class Share(NamedTuple):
    """A node is number `part`, from 0, of `parts` nodes that fire jobs."""

    part: int
    parts: int


WHOLE = Share(0, 1)


class Chosen(NamedTuple):
    """The rows to claim; whether some were left to others; whether these are others' rows, as none are our own."""

    rows: Sequence[DueRow]
    left: bool
    helping: bool


def share_of(own: str, nodes: Iterable[NodeRow]) -> Share:
    """Return the share of the node with the id `own`; paused ones have none."""
    ids = sorted({own, *(node.id for node in nodes if node.counter % 2 == 0)})
    return Share(ids.index(own), len(ids))


def falls_to(row: DueRow, share: Share) -> bool:
    """Return whether a row belongs to a share. Two nodes that agree on who lives never both take a row."""
    return row.revision % share.parts == share.part


def choose(rows: Sequence[DueRow], share: Share, leaves: bool) -> Chosen:
    """Return which of `rows`, earliest first, a node claims now; `leaves` says that the others get time for theirs.

    Else it takes all where they are few; and where none of many are its own the later half, because the others may be
    at the earlier ones.
    """
    if share.parts == 1 or (len(rows) < SHARED_FROM and not leaves):
        return Chosen(rows, False, False)
    own = [row for row in rows if falls_to(row, share)]
    if own or leaves:
        return Chosen(own, len(own) < len(rows), False)
    return Chosen(rows[len(rows) // 2 :], True, True)
