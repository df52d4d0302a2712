"""The floor of revisions: a number in a document store, above which the revisions of later jobs begin."""

from __future__ import annotations

from apscheduler.jobstores._documents import NUMBERS, Change, Documents

FLOOR = "revision_floor"


class Floor:
    """The floor, which only grows; so one that was seen is never too high."""

    def __init__(self, documents: Documents) -> None:
        self._docs = documents
        self._seen = 0

    def read(self) -> int:
        """Return the floor now; 0 where there is none yet."""
        found = self._docs.get(NUMBERS, [FLOOR])
        self._seen = max(self._seen, int(found[0]["value"]) if found else 0)
        return self._seen

    def raise_to(self, value: int) -> None:
        """Have no later job begin with a revision of `value` or lower."""
        seen = self._seen
        while seen < value:
            # As it was seen last, first of all: where this is the only process that raises it, that is right.
            if seen and self._docs.change(NUMBERS, [Change(FLOOR, {"value": seen}, {"value": value})]):
                break
            seen = self.read()
            if not seen and not self._docs.insert(NUMBERS, [{"id": FLOOR, "value": value}]):
                break
        self._seen = max(self._seen, value)
