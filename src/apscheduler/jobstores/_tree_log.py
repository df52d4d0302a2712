"""The run log in a tree of keys: finished records in segments, one after the other.

A record does not change any more once its run has ended, so records are not kept one by one: a segment holds those of
one hour of run times and one node, a line of JSON each. What ends together is written with one operation, to a new
segment or to the end of a small one. A query that wants the newest reads the newest hours only, and what is too old is
removed by the hour.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import groupby
from secrets import token_hex
from threading import Lock
from typing import NamedTuple

from apscheduler._clock import SYSTEM
from apscheduler._core.claims import INTERRUPTED, RunKey, RunQuery, StoredRun
from apscheduler.jobstores._tree import ConflictError, Create, Delete, Node, Op, Put, Tree
from apscheduler.jobstores._tree_names import HOUR, sortable, span_of, tag_of

LONGEST_TEXT = 100_000
LONGEST_RECORD = 400_000
ATTEMPTS = 10
READ_AT_ONCE = 100
SETTLED = 2 * HOUR


class Appended(NamedTuple):
    """Operations that append records, and the segments they write: what for, the name, the bytes."""

    ops: list[Op]
    segments: list[tuple[tuple[str, str], str, bytes]]


class RunLog:
    """Appends, reads and removes finished records."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._lock = Lock()
        self._open: dict[tuple[str, str], tuple[str, Node]] = {}
        self._counted: dict[str, Counter[str]] = {}

    # -- appending -------------------------------------------------------------------------------------------

    def append(self, runs: Iterable[StoredRun]) -> Appended:
        """Return the operations that add `runs`, for a transaction; then call `appended()`.

        A segment that is being written is not known until then, so two threads write two.
        """
        lines: dict[tuple[str, str], list[bytes]] = {}
        for run in runs:
            place = (span_of(run.run_time, HOUR), tag_of(run.node))
            lines.setdefault(place, []).append(_line(run))
        ops: list[Op] = []
        segments = []
        for place, some in lines.items():
            new = b"".join(some)
            with self._lock:
                name, node = self._open.pop(place, ("", Node(b"", 0)))
            if name and len(node.value) + len(new) <= self._tree.segment_bytes:
                data = node.value + new
                ops.append(Put(f"log/{name}", data, node.version))
            else:
                name, data = f"{place[0]}.{place[1]}.{token_hex(8)}", new
                ops.append(Create(f"log/{name}", data, guarded=False))
            segments.append((place, name, data))
        return Appended(ops, segments)

    def appended(self, done: Appended, versions: Sequence[int]) -> None:
        """Tell that the operations were done, and which versions they have written."""
        with self._lock:
            for (place, name, data), version in zip(done.segments, versions, strict=True):
                if len(data) < self._tree.segment_bytes:
                    self._open[place] = (name, Node(data, version))
            while len(self._open) > 8:
                del self._open[next(iter(self._open))]

    def commit(self, ops: Sequence[Op], records: Sequence[StoredRun]) -> list[int] | None:
        """Do `ops` and add `records`, in one transaction; return the versions written, None after a conflict."""
        appended = self.append(records)
        try:
            versions = self._tree.commit([*ops, *appended.ops])
        except ConflictError:
            return None
        self.appended(appended, versions[len(ops) :])
        return versions[: len(ops)]

    def record_once(self, run: StoredRun) -> None:
        """Add one record, unless there is one with its key: so it has a segment that is named after that."""
        key = f"{span_of(run.run_time, HOUR)}.{tag_of(run.node)}"
        if any(_key_of(other) == _key_of(run) for other in self._of_hour(key[:10], None)):
            return
        # Without the node's name, because another node may record the same.
        once = f"log/{key[:10]}.once.{tag_of(*_key_of(run))}"
        try:
            self._tree.commit([Create(once, _line(run))])
        except ConflictError:
            return

    # -- reading ---------------------------------------------------------------------------------------------

    def read(self, query: RunQuery, live: Collection[StoredRun]) -> list[StoredRun]:
        """Return the matching records, newest run time first, ties by descending id; `live` are those in flight.

        `live` was read before, because what ends in between is in both then, and not in neither.
        """
        statuses = None if query.statuses is None else set(query.statuses)

        def wanted(run: StoredRun) -> bool:
            return (
                (query.job_id is None or run.job_id == query.job_id)
                and (statuses is None or run.status in statuses)
                and (query.since is None or run.run_time >= query.since)
                and (query.until is None or run.run_time < query.until)
            )

        found = {run.id: run for run in live if wanted(run)}
        names = self._names(query) if statuses is None or statuses - {"running"} else []
        for hour, some in groupby(names, key=lambda name: name[:10]):
            if query.limit is not None and self._enough(found.values(), hour, query.limit):
                break
            for run in self._runs_in(list(some)):
                if wanted(run):
                    found[run.id] = run
                else:
                    found.pop(run.id, None)
        runs = sorted(found.values(), key=lambda run: (run.run_time, run.id), reverse=True)
        return runs[: query.limit]

    def recorded(self, node: str, times: Iterable[float]) -> dict[tuple[str, int, int], set[str]]:
        """Return the statuses of finished runs of `node` in the hours of `times`, by job, revision and attempt."""
        found: dict[tuple[str, int, int], set[str]] = {}
        for hour in {span_of(time, HOUR) for time in times}:
            for run in self._of_hour(hour, tag_of(node)):
                if run.node == node:
                    found.setdefault((run.job_id, run.revision, run.attempt), set()).add(run.status)
        return found

    # -- removing --------------------------------------------------------------------------------------------

    def prune(self, before: float | None, per_job: int | None) -> int:
        """Remove records earlier than `before`, and all but the newest `per_job` of a job; segment by segment."""
        removed = 0
        names = sorted(self._tree.names("log"))
        if before is not None:
            hour = span_of(before, HOUR)
            old = [name for name in names if name[:10] <= hour]
            removed += self._keep_in(old, lambda run: run.run_time >= before)
            names = [name for name in names if name[:10] >= hour]
        if per_job is not None:
            removed += self._prune_crowded(names, per_job)
        return removed

    def _prune_crowded(self, names: list[str], per_job: int) -> int:
        """Remove surplus records. Of settled hours it is remembered how many records a segment has of each job."""
        total: Counter[str] = Counter()
        counts = self._count(names)
        for count in counts.values():
            total.update(count)
        crowded = {job_id: of - per_job for job_id, of in total.items() if of > per_job}
        removed = 0
        for _, some in groupby(names, key=lambda name: name[:10]):  # the oldest hours first
            hour = list(some)
            if not crowded:
                break
            if not any(job_id in counts.get(name, ()) for name in hour for job_id in crowded):
                continue
            surplus = set()
            for run in sorted(self._runs_in(hour), key=lambda run: (run.run_time, run.id)):
                if crowded.get(run.job_id, 0) > 0:
                    crowded[run.job_id] -= 1
                    surplus.add(run.id)
            crowded = {job_id: count for job_id, count in crowded.items() if count}
            removed += self._keep_in(hour, lambda run, gone=surplus: run.id not in gone)  # type: ignore[misc]
        return removed

    def _count(self, names: list[str]) -> dict[str, Counter[str]]:
        settled = span_of(SYSTEM.time() - SETTLED, HOUR)
        known = {name: self._counted[name] for name in names if name in self._counted}
        unknown = [name for name in names if name not in known]
        counts = dict(known)
        for name, node in self._read(unknown):
            counts[name] = Counter(run.job_id for run in _runs(node.value))
        self._counted = {name: count for name, count in counts.items() if name[:10] < settled}
        return counts

    def _keep_in(self, names: Sequence[str], keep: Callable[[StoredRun], bool]) -> int:
        """Remove the records of these segments that `keep` denies, and return how many there were."""
        removed = 0
        for _ in range(ATTEMPTS):
            again = []
            for name, node in self._read(names):
                runs = _runs(node.value)
                left = [run for run in runs if keep(run)]
                if len(left) == len(runs):
                    continue
                gone = [run for run in runs if not keep(run)]
                data = b"".join(map(_line, left))
                op = Put(f"log/{name}", data, node.version) if left else Delete(f"log/{name}", node.version)
                try:
                    self._tree.commit([op])
                except ConflictError:
                    again.append(name)
                    continue
                removed += len(gone)
                self._counted.pop(name, None)
                self._drop_reruns(gone)
            if not again:
                break
            names = again
        return removed

    def _drop_reruns(self, gone: Iterable[StoredRun]) -> None:
        for run in gone:
            if run.status == INTERRUPTED:
                try:
                    self._tree.commit([Delete(rerun_key(_key_of(run)))])
                except ConflictError:
                    continue  # it keeps nothing to be repeated with

    # -- segments --------------------------------------------------------------------------------------------

    def _names(self, query: RunQuery) -> list[str]:
        """Return the names of the segments that may hold what is asked for, newest hour first."""
        first = "" if query.since is None else span_of(query.since, HOUR)
        last = "g" if query.until is None else span_of(query.until, HOUR)
        return sorted((name for name in self._tree.names("log") if first <= name[:10] <= last), reverse=True)

    def _enough(self, found: Collection[StoredRun], hour: str, limit: int) -> bool:
        """Return whether `limit` of what was found is newer than all that is in `hour`."""
        return len(found) >= limit and sum(span_of(run.run_time, HOUR) > hour for run in found) >= limit

    def _of_hour(self, hour: str, tag: str | None) -> list[StoredRun]:
        names = [name for name in self._tree.names("log") if name[:10] == hour]
        return self._runs_in([name for name in names if tag is None or name.split(".")[1] in (tag, "once")])

    def _runs_in(self, names: Sequence[str]) -> list[StoredRun]:
        return [run for _, node in self._read(names) for run in _runs(node.value)]

    def _read(self, names: Sequence[str]) -> Iterable[tuple[str, Node]]:
        for start in range(0, len(names), READ_AT_ONCE):
            some = names[start : start + READ_AT_ONCE]
            for name, node in zip(some, self._tree.read([f"log/{name}" for name in some]), strict=True):
                if node is not None:
                    yield name, node


def rerun_key(key: RunKey) -> str:
    """Return the key under which an interrupted run keeps what it is repeated with."""
    return f"reruns/{sortable(key.run_time)}.{tag_of(*key)}"


def record_size(run: StoredRun) -> int:
    """Return how many bytes a record takes in the log."""
    return len(_line(run))


def hours_of(times: Iterable[float]) -> int:
    """Return in how many hours `times` are: records at them take as many segments."""
    return len({span_of(time, HOUR) for time in times})


def _line(run: StoredRun) -> bytes:
    result = None if run.result is None else b64encode(run.result).decode()
    run = run._replace(
        error=_shortened(run.error), traceback=_shortened(run.traceback), reason=_shortened(run.reason)
    )
    line = json.dumps([*run[:-1], result], separators=(",", ":"))
    if (
        len(line) > LONGEST_RECORD
    ):  # because a value that does not fit must not keep the outcome from being written
        line = json.dumps([*run[:-1], None], separators=(",", ":"))
    return line.encode() + b"\n"


def _shortened(text: str | None) -> str | None:
    """Return the end of a text that is too long for a server with small values: the end says what was wrong."""
    if text is None or len(text) <= LONGEST_TEXT // 4:
        return text
    longest = LONGEST_TEXT if text.isascii() and text.isprintable() else LONGEST_TEXT // 6
    return text if len(text) <= longest else "... " + text[-longest:]


def _runs(data: bytes) -> list[StoredRun]:
    runs = []
    for line in data.splitlines():
        run = StoredRun(*json.loads(line))
        runs.append(run if run.result is None else run._replace(result=b64decode(run.result)))
    return runs


def _key_of(run: StoredRun) -> RunKey:
    return RunKey(run.job_id, run.revision, run.run_time, run.attempt)
