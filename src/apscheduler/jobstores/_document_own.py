"""What a document store knows of the jobs that it has claimed itself, so that their documents are not read again.

A job of which nothing was pending when it was read, and whose claim was won at that revision, holds just what the claim
has put there, as long as its revision stays. Whoever changes what is known here does so on that condition.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from apscheduler._core.claims import RUNNING, Claim, RunKey
from apscheduler.jobstores._document_pending import entry_name, revision_of
from apscheduler.jobstores._documents import Document

MOST = 20_000
"""So many documents are remembered; then all of them are forgotten, and read again where they are needed."""

_ClaimKey = tuple[str, int, int]


class OwnClaims:
    """Remembers documents; calls may come from any thread."""

    def __init__(self) -> None:
        self._idle: dict[str, int] = {}
        self._claimed: dict[_ClaimKey, Document] = {}

    def saw(self, documents: Iterable[Document]) -> None:
        """Note which of these documents, as they were just read, have nothing pending."""
        if len(self._idle) > MOST:
            self._idle.clear()
        self._idle.update((d["id"], revision_of(d)) for d in documents if not d.get("pending"))

    def is_idle(self, claim: Claim) -> bool:
        """Return whether nothing is pending of the job as long as it has the claim's revision, as far as is known."""
        return self._idle.get(claim.job_id) == claim.revision

    def won(self, claims: Sequence[Claim], entries: Sequence[Document], idle: Sequence[bool]) -> None:
        """Note claims that have been won just now, what they have left in their documents, and which were idle."""
        if len(self._claimed) > MOST:
            self._claimed.clear()
        for claim, entry, was_idle in zip(claims, entries, idle, strict=True):
            self._idle.pop(claim.job_id, None)
            if was_idle and claim.runs and all(run.status == RUNNING for run in claim.runs):
                self._claimed[claim.job_id, claim.revision, claim.attempt] = {
                    "id": claim.job_id,
                    "revision": claim.revision + 1,
                    "gone": claim.then is None,
                    "pending": {entry_name(claim.revision, claim.attempt): entry},
                }

    def take(self, keys: Collection[RunKey]) -> tuple[list[Document], set[str]]:
        """Return the documents that are known of the jobs of these runs, and the ids of the other jobs.

        Those are forgotten, because they are about to be changed.
        """
        claims: dict[str, set[_ClaimKey]] = {}
        for key in keys:
            claims.setdefault(key.job_id, set()).add((key.job_id, key.revision, key.attempt))
        known, others = [], set()
        for job_id, of_job in claims.items():
            found = [self._claimed.pop(claim, None) for claim in of_job]
            if len(found) == 1 and found[0] is not None:
                known.append(found[0])
            else:
                others.add(job_id)
        return known, others
