"""Jobs in Redis: the hash of definitions and the sorted set of run times of 3.x, and a hash of revisions.

A job without a revision was added by 3.x, and counts as one of revision 0. Revisions never return: every removal
raises a number (the floor), and a job is inserted above it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from apscheduler._core.claims import Due, JobRow
from apscheduler.jobstores import _redis_format as form
from apscheduler.jobstores._redis_server import Server
from apscheduler.jobstores._way_back import NewState

READ_AT_ONCE = 1_000
# In one script, for which all others wait.
READ_TOGETHER = 5_000


class Jobs:
    """The jobs of one store."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def insert(self, rows: Sequence[JobRow]) -> Collection[str]:
        """Insert all of `rows`, or none of them and return the ids that are taken."""
        if not rows:
            return ()
        ids = [row.job_id for row in rows]
        if len(set(ids)) < len(ids):
            return [job_id for job_id, times in Counter(ids).items() if times > 1]
        server = self._server
        answer = server.run_once("insert", server.channel, server.sender, form.pack_rows(rows))
        return [ids[index] for index in form.flags(answer)]

    def replace(self, row: JobRow) -> bool:
        """Write `row` over the row with its id and revision; return whether there was one."""
        server, stamp = self._server, row.next_run_time
        answer = server.run_once(
            "replace",
            server.channel,
            server.sender,
            form.encode_id(row.job_id),
            row.revision,
            "" if stamp is None else repr(stamp),
            row.definition,
        )
        return bool(answer == b"1")

    def read(self, job_id: str) -> JobRow | None:
        """Return the row with this id, or None."""
        rows = self.read_some([job_id])
        return rows[0] if rows else None

    def read_all(self) -> list[JobRow]:
        """Return all rows by ascending next run time, paused ones last, ties by id.

        Where there are more than some thousand, each is as it is when it is read.
        """
        chunks = self._server.run("read_jobs", READ_TOGETHER)
        if chunks is None:
            chunks = self._read_in_parts()
        rows = form.read_rows(chunks)
        rows.sort(key=lambda row: (row[1] is None, row[1] or 0.0, row[0]))
        return rows

    def _read_in_parts(self) -> list[bytes]:
        ids: list[bytes] = self._server.command("HKEYS", self._server.keys.jobs)
        chunks: list[bytes] = []
        for start in range(0, len(ids), READ_AT_ONCE):
            some = b"".join(map(form.sized, ids[start : start + READ_AT_ONCE]))
            chunks += self._server.run("read_some", some)
        return chunks

    def read_due(self, now: float, limit: int) -> Due:
        """Return what is due, and the earliest next run time after that."""
        return form.read_due(self._server.run("read_due", repr(now), max(limit, 0)))

    def read_until(self, now: float) -> list[JobRow]:
        """Return all rows that are due, earliest first."""
        rows, size = self.read_due(now, READ_AT_ONCE).rows, READ_AT_ONCE
        while len(rows) == size:
            size *= 4
            rows = self.read_due(now, size).rows
        return [JobRow(*row[:4]) for row in rows]

    def read_some(self, job_ids: Sequence[str]) -> list[JobRow]:
        """Return those of these rows that are there."""
        return form.read_rows(self._server.run("read_some", b"".join(map(form.named, job_ids))))

    def write_states(self, changes: Sequence[NewState]) -> None:
        """Write definitions over those of jobs that still have the revision, which stays."""
        arguments = [part for id_, *rest in changes for part in (form.encode_id(id_), *rest)]
        self._server.run("leave", *arguments)

    def delete(self, job_ids: Collection[str] | None) -> int:
        """Delete these jobs, or all, and return how many there were."""
        if job_ids is None:
            return int(self._server.run_once("delete", "1"))
        if not job_ids:
            return 0
        ids = b"".join(map(form.named, dict.fromkeys(job_ids)))
        return int(self._server.run_once("delete", "0", ids))
