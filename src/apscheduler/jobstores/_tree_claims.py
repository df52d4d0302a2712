"""Claims in a tree of keys.

A claim takes the job's entry out of the index and puts the next one in (or removes the job), and the same transaction
writes what was started. Claims are made in batches; after a conflict the index is read again, which tells the claims
that are lost, and the others are tried again: so a lost claim does not cost another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from threading import Lock

from apscheduler._core.claims import INTERRUPTED, RUNNING, Claim, Rerun, RunKey, StoredRun
from apscheduler.jobstores._tree import Absent, ConflictError, Create, Delete, Op, Put, Tree, chunks
from apscheduler.jobstores._tree_foreign import ForeignJobs
from apscheduler.jobstores._tree_index import Change, Edit, Entry, Index
from apscheduler.jobstores._tree_jobs import Jobs, pause, removes
from apscheduler.jobstores._tree_live import Batch, LiveRun, LiveRuns, dump_batch, new_batch
from apscheduler.jobstores._tree_log import RunLog, hours_of, rerun_key
from apscheduler.jobstores._tree_names import digest_of, tag_of

ATTEMPTS = 100
PATIENT = 3
ROOM = 6
IDS_AT_ONCE = 1000


class RunIds:
    """Hands out ids of run records, which are used once in a store and grow on each node.

    They are taken from a number in the tree, a thousand at a time.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._lock = Lock()
        self._next = self._end = 0

    def take(self, count: int) -> range:
        """Return `count` new ids."""
        while True:
            with self._lock:
                if self._next + count <= self._end:
                    self._next += count
                    return range(self._next - count, self._next)
            start, end = self._reserve(count + IDS_AT_ONCE)
            with self._lock:
                if start > self._next:
                    self._next, self._end = start, end

    def _reserve(self, count: int) -> tuple[int, int]:
        while True:
            (node,) = self._tree.read(["numbers/run_id"])
            value = 0 if node is None else int(node.value)
            data = str(value + count).encode()
            op = Create("numbers/run_id", data) if node is None else Put("numbers/run_id", data, node.version)
            try:
                self._tree.commit([op])
            except ConflictError:
                continue  # another node has taken some
            return value + 1, value + 1 + count


class Claims:
    """Makes claims."""

    def __init__(
        self, tree: Tree, index: Index, jobs: Jobs, live: LiveRuns, log: RunLog, foreign: ForeignJobs
    ) -> None:
        self._tree = tree
        self._index = index
        self._jobs = jobs
        self._live = live
        self._log = log
        self._foreign = foreign
        self.ids = RunIds(tree)

    # -- claims ----------------------------------------------------------------------------------------------

    def claim(self, node: str, claims: Sequence[Claim], now: float) -> Collection[int]:
        """Apply the claims and return the indexes of those that were won; `now` is when final runs ended."""
        self._jobs.raise_floor(max((claim.revision for claim in claims if claim.then is None), default=0))
        entries = self._find(claims)
        lost = [n for n, claim in enumerate(claims) if claim.job_id not in entries]
        todo = [n for n, claim in enumerate(claims) if claim.job_id in entries]
        changes = [self._change(node, claims[n], entries[claims[n].job_id]) for n in todo]
        counts = [2 if claims[n].then is None else int(claims[n].definition is not None) for n in todo]
        sizes = [_claim_size(claims[n]) for n in todo]
        won: list[int] = []
        for part in self._index.parts(changes, counts, sizes, ROOM):
            places = {changes[place].old: todo[place] for place in part}
            done = self._claim_some(node, claims, [changes[place] for place in part], places, now)
            won += done
            lost += set(places.values()).difference(done)
        return {*won, *self._won_before(node, claims, lost)}

    def _find(self, claims: Sequence[Claim]) -> dict[str, Entry]:
        """Return the entries that have the revisions of `claims`, by id."""
        known = {}
        for claim in claims:
            entry = self._index.remembered(self._jobs.name_of(claim.job_id), claim.revision)
            if entry is not None:
                known[claim.job_id] = entry
        asked = {claim.job_id: claim.revision for claim in claims if claim.job_id not in known}
        found = self._jobs.entries(asked)
        return known | {job_id: entry for job_id, entry in found.items() if entry.revision == asked[job_id]}

    def _change(self, node: str, claim: Claim, entry: Entry) -> Change:
        if claim.then is None:
            return Change(entry, None)
        digest = entry.digest if claim.definition is None else digest_of(claim.definition)
        return Change(
            entry, Entry(claim.then, entry.revision + 1, digest, entry.name, claimer_of(node, claim.attempt))
        )

    def _claim_some(
        self,
        node: str,
        claims: Sequence[Claim],
        changes: Sequence[Change],
        places: dict[Entry | None, int],
        now: float,
    ) -> list[int]:
        """Make changes in one transaction, as often as it takes; return the indexes of the claims that were won."""
        for attempt in range(ATTEMPTS):
            edit = self._index.edit(changes, fresh=attempt > 0)
            if not edit.made:
                return []
            some = [places[change.old] for change in edit.made]
            if self._commit(node, [claims[n] for n in some], edit, now):
                return some
            changes = edit.made  # those that were lost stay so
            if attempt >= PATIENT:
                changes = self._without_broken(changes)
            pause(attempt)
        return []

    def _without_broken(self, changes: Sequence[Change]) -> list[Change]:
        """Return those of `changes` whose document is there; mend the others, which 3.x has removed."""
        entries = [change.old for change in changes if change.old is not None]
        documents = self._tree.read([f"def/{entry.name}" for entry in entries])
        for entry, document in zip(entries, documents, strict=True):
            if document is None:
                self._foreign.mend(entry.name)
        return [change for change, document in zip(changes, documents, strict=True) if document is not None]

    def _commit(self, node: str, claims: Sequence[Claim], edit: Edit, now: float) -> bool:
        running, final = self._records(node, claims, now)
        ops = list(edit.ops)
        if running:
            batch = new_batch(node, running)
            ops.append(Create(f"live/{batch.name}", dump_batch(node, running), guarded=False))
        for change, claim in zip(edit.made, claims, strict=True):
            assert change.old is not None
            if change.new is None:
                ops += removes(change.old)
            elif claim.definition is not None:
                ops.append(Put(f"def/{change.old.name}", claim.definition))
        # More hours than a transaction has room for: what never ran may be written a moment later.
        most = ROOM - 1
        first = final if hours_of(run.run_time for run in final) <= most else final[:most]
        versions = self._log.commit(ops, first)
        if versions is None:
            self._index.conflicted()
            self._tree.catch_up()
            return False
        if running:
            self._live.started(batch._replace(version=versions[len(edit.ops)]))
        self._index.edited(edit, versions)
        for some in chunks(final[len(first) :], lambda _: 0, most, 1):
            self._log.commit([], some)
        return True

    def _records(
        self, node: str, claims: Sequence[Claim], now: float
    ) -> tuple[list[LiveRun], list[StoredRun]]:
        ids = iter(self.ids.take(sum(len(claim.runs) for claim in claims)))
        running, final = [], []
        for claim in claims:
            for run in claim.runs:
                key = RunKey(claim.job_id, claim.revision, run.run_time, claim.attempt)
                if run.status == RUNNING:
                    running.append(LiveRun(next(ids), key, claim.rerun))
                else:
                    final.append(StoredRun(next(ids), *key, run.status, node, run.reason, None, now))
        return running, final

    def record(self, node: str, claims: Sequence[Claim], now: float) -> None:
        """Add the records of `claims` that do not exist yet, none of them RUNNING; `now` is when they ended."""
        for run in self._records(node, claims, now)[1]:
            self._log.record_once(run)

    # -- claims that are repeated ----------------------------------------------------------------------------

    def _won_before(self, node: str, claims: Sequence[Claim], lost: Sequence[int]) -> Iterable[int]:
        """Return those of the `lost` claims that `node` has made already, and still has."""
        some = [index for index in lost if claims[index].runs]
        if not some:
            return
        owners = self._owners()
        entries = self._jobs.entries([claims[index].job_id for index in some])
        unclear = []
        for index in some:
            claim = claims[index]
            owner = owners.get((claim.job_id, claim.revision, claim.attempt))
            if owner == node:
                yield index
            elif owner is None and not _is_by_another(entries.get(claim.job_id), node, claim):
                unclear.append(index)
        if unclear:
            times = {run.run_time for index in unclear for run in claims[index].runs}
            recorded = self._log.recorded(node, times)
            for index in unclear:
                statuses = recorded.get((claims[index].job_id, claims[index].revision, claims[index].attempt))
                # What was taken over may have been started elsewhere since.
                if statuses and INTERRUPTED not in statuses:
                    yield index

    def _owners(self) -> dict[tuple[str, int, int], str]:
        return {
            (run.key.job_id, run.key.revision, run.key.attempt): batch.node
            for batch in self._live.read()
            for run in batch.runs
        }

    # -- repetitions -----------------------------------------------------------------------------------------

    def claim_reruns(self, node: str, reruns: Sequence[Rerun]) -> Collection[int]:
        """Claim repetitions, each in a transaction of its own, because they are few."""
        return [index for index, rerun in enumerate(reruns) if self._claim_rerun(node, rerun)]

    def _claim_rerun(self, node: str, rerun: Rerun) -> bool:
        key = rerun.key._replace(attempt=rerun.key.attempt + 1)
        for attempt in range(ATTEMPTS):
            entry = self._jobs.entries([key.job_id]).get(key.job_id)
            if (None if entry is None else entry.revision) != rerun.revision:
                break
            changes = []
            ops: list[Op] = []
            if entry is None:
                ops.append(Absent(f"jobs/{self._jobs.name_of(key.job_id)}"))
            else:
                changes.append(Change(entry, entry._replace(revision=entry.revision + 1, claimer="")))
            edit = self._index.edit(changes, fresh=attempt > 0)
            batch: Batch = new_batch(node, [LiveRun(self.ids.take(1)[0], key, None)])
            ops.append(Create(f"live/{batch.name}", dump_batch(node, batch.runs)))
            if not edit.lost and self._jobs.commit(edit, [Delete(rerun_key(rerun.key)), *ops]):
                return True
            if self._tree.read([rerun_key(rerun.key)]) == [None]:
                break
            pause(attempt)
        return any(run.key == key and batch.node == node for batch in self._live.read() for run in batch.runs)


def claimer_of(node: str, attempt: int) -> str:
    """Return what an entry tells about the claim that has made it."""
    return tag_of(node, attempt)[:8]


def _is_by_another(entry: Entry | None, node: str, claim: Claim) -> bool:
    """Return whether the job tells that the change after the claim's revision was not this claim by `node`."""
    return (
        entry is not None
        and entry.revision == claim.revision + 1
        and entry.claimer != claimer_of(node, claim.attempt)
    )


def _claim_size(claim: Claim) -> int:
    return (
        300
        + len(claim.definition or b"")
        + sum(
            200 + 2 * len(claim.rerun or b"") + 2 * len(run.reason or "") + 6 * len(claim.job_id)
            for run in claim.runs
        )
    )
