"""The part of a scheduler that programs call for the jobs they have: look up, change, remove.

A change reads the stored job with its revision, applies itself to a copy, and writes that if the revision is still the
same; otherwise it starts again from what is stored now. So of two changes neither is lost, and a change undoes no
firing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import IO, Any, NamedTuple

from apscheduler._clock import using
from apscheduler._core.claims import JobRow
from apscheduler._retrigger import argument_names, with_arguments
from apscheduler.errors import JobLookupError, JobUnreadableError
from apscheduler.events import (
    EVENT_ALL_JOBS_REMOVED,
    EVENT_JOB_MODIFIED,
    EVENT_JOB_REMOVED,
    JobEvent,
    SchedulerEvent,
)
from apscheduler.job import MODIFIABLE, Job
from apscheduler.jobstores.base import stamp_of
from apscheduler.schedulers._engine import Engine
from apscheduler.schedulers._new_jobs import make_trigger
from apscheduler.schedulers._registry import StoreSlot
from apscheduler.schedulers._states import STATE_STOPPED
from apscheduler.triggers.base import BaseTrigger

Changes = Callable[[Job], Mapping[str, Any] | None]
"""What to change of a job, decided on the job as it is stored; None removes it."""


class Pending(NamedTuple):
    """A job that waits for the scheduler to be started."""

    job: Job
    alias: str
    replace_existing: bool | str


class JobCalls:
    """Mixed into `BaseScheduler`."""

    state: int
    timezone: tzinfo
    _engine: Engine
    _pending_jobs: list[Pending]
    _forked_from: int | None
    _lock: Any
    _logger: Any
    _require_running: Callable[[], None]

    # -- looking up ---------------------------------------------------------------------------------------------

    def get_job(self, job_id: str, jobstore: str | None = None) -> Job | None:
        """Return the job with this id, or None.

        Args:
            job_id: the id.
            jobstore: alias of the only job store to look in.
        """
        try:
            return self._lookup_job(job_id, jobstore)[0]
        except JobLookupError:
            return None

    def get_jobs(
        self,
        jobstore: str | None = None,
        pending: bool | None = None,
        *,
        limit: int | None = None,
        after: Job | tuple[datetime | None, str] | None = None,
        due_before: datetime | str | None = None,
        id_prefix: str | None = None,
        paused: bool | None = None,
    ) -> list[Job]:
        """Return the jobs by ascending next run time, paused ones last, ties by id, store by store.

        Before `start()` it returns the pending ones. Pages and filters are about stored jobs; only the jobs of the page
        are rebuilt, and a store that can tell them apart by itself (SQL, memory) reads no others.

        Args:
            jobstore: alias of the only job store to list.
            pending: deprecated and without effect, as in 3.x.
            limit: so many jobs at most.
            after: only what comes after this job, or after the place `(next_run_time, id)`, where no job needs to be.
                A job that has moved on since it was listed stands further down; its key of then is the exact place.
            due_before: only jobs whose next run time is before this.
            id_prefix: only jobs whose id begins with this text, upper and lower case told apart.
            paused: True for paused jobs only, False for none of them.

        Raises:
            RuntimeError: a page or a filter is asked for, and the scheduler does not run.
            TypeError, ValueError: an argument is not what it should be.
        """
        if (limit, after, due_before, id_prefix, paused) != (None,) * 5:
            from apscheduler.schedulers import _job_pages  # here, because most programs never ask

            self._require_stored("Pages and filters are about stored jobs")
            query = _job_pages.query_of(limit, due_before, id_prefix, paused, self.timezone)
            return _job_pages.read(list(self._slots(jobstore)), query, after, jobstore, self.timezone)
        if self._is_pending():
            with self._lock:
                return [p.job for p in self._pending_jobs if jobstore in (None, p.alias)]
        return [job for slot in self._slots(jobstore) for job in slot.store.get_all_jobs()]

    def print_jobs(self, jobstore: str | None = None, out: IO[str] | None = None) -> None:
        """Write a readable list of the jobs to `out`, the standard output if not given."""
        out = out or sys.stdout
        with self._lock:
            pending = [p.job for p in self._pending_jobs if jobstore in (None, p.alias)]
        if self._is_pending():
            _print("Pending jobs:", pending, "No pending jobs", out)
            return
        for slot in sorted(self._slots(jobstore), key=lambda slot: slot.alias):
            _print(f"Jobstore {slot.alias}:", slot.store.get_all_jobs(), "No scheduled jobs", out)

    # -- changing -----------------------------------------------------------------------------------------------

    def modify_job(self, job_id: str, jobstore: str | None = None, **changes: Any) -> Job:
        """Change attributes of a job, or arguments of its trigger, and return the job.

        Where arguments of the trigger change, the next run time is computed anew, unless the job is paused or
        `next_run_time` is given too.

        Args:
            job_id: the id, which itself cannot be changed.
            jobstore: alias of the only job store to look in.
            changes: attributes of `Job`, or arguments of its trigger (`minutes=5`).

        Raises:
            JobLookupError: there is no such job.
            AttributeError: a name is neither an attribute nor an argument of the trigger.
            TypeError, ValueError: a value is not right; nothing is changed.
        """
        return self._changed(job_id, jobstore, lambda job: self._with_trigger(job, changes))

    def reschedule_job(
        self,
        job_id: str,
        jobstore: str | None = None,
        trigger: BaseTrigger | str | None = None,
        **trigger_args: Any,
    ) -> Job:
        """Give a job another trigger, compute its next run time from now on, and return the job.

        Raises:
            JobLookupError: there is no such job.
        """
        made = make_trigger(trigger, trigger_args, self.timezone, self._logger, self._engine.clock)

        def change(_: Job) -> Mapping[str, Any]:
            return {"trigger": made, "next_run_time": made.get_next_fire_time(None, self._now())}

        return self._changed(job_id, jobstore, change)

    def pause_job(self, job_id: str, jobstore: str | None = None) -> Job:
        """Run a job no more until it is resumed, and return it.

        Raises:
            JobLookupError: there is no such job.
        """
        return self._changed(job_id, jobstore, lambda _: {"next_run_time": None})

    def resume_job(self, job_id: str, jobstore: str | None = None) -> Job | None:
        """Run a job again, from its first fire time after now; if there is none it is removed, and None returned.

        Raises:
            JobLookupError: there is no such job.
        """

        def change(job: Job) -> Mapping[str, Any] | None:
            then = job.trigger.get_next_fire_time(None, self._now())
            return None if then is None else {"next_run_time": then}

        return self._change(job_id, jobstore, change)

    def remove_job(self, job_id: str, jobstore: str | None = None) -> None:
        """Remove a job. Runs in flight end by themselves; the records of its runs are kept.

        Raises:
            JobLookupError: there is no such job.
        """
        if self._is_pending() and self._remove_pending(job_id, jobstore):
            return
        for slot in self._slots(jobstore):
            if self.state != STATE_STOPPED and slot.store.delete_jobs([job_id]):
                self._removed(slot, job_id)
                return
        raise JobLookupError(job_id)

    def remove_all_jobs(self, jobstore: str | None = None) -> None:
        """Remove all jobs of one store, or of all."""
        if self._is_pending():
            with self._lock:
                self._pending_jobs[:] = [p for p in self._pending_jobs if jobstore not in (None, p.alias)]
        else:
            for slot in self._slots(jobstore):
                slot.store.delete_jobs(None)
        self._engine.listeners.tell(SchedulerEvent(EVENT_ALL_JOBS_REMOVED, jobstore))

    def export_jobs(self, outfile: IO[str] | str, jobstore: str | None = None) -> None:
        """Write the jobs as JSON, in the format of 3.x.

        Args:
            outfile: a path, or a text file open for writing.
            jobstore: alias of the only job store to export.

        Raises:
            RuntimeError: the scheduler does not run, so what is stored cannot be read.
            JobUnreadableError: a job cannot be rebuilt in this process; nothing is written.
        """
        self._require_stored("Jobs can only be exported while the scheduler runs")
        jobs = self.get_jobs(jobstore)
        for job in jobs:
            if job.unreadable_reason is not None:
                raise JobUnreadableError(
                    f"Job {job.id} cannot be rebuilt in this process, so it cannot be exported: {job.unreadable_reason}"
                )
        from apscheduler import _transfer

        _transfer.write([job.__getstate__() for job in jobs], outfile)

    # -- parts of the above -------------------------------------------------------------------------------------

    def _is_pending(self) -> bool:
        """Return whether calls are about pending jobs, because the scheduler does not run.

        Raises:
            SchedulerNotRunningError: it runs in another process, and a job that waits here would wait for ever.
        """
        if self.state != STATE_STOPPED:
            return False
        if self._forked_from is not None:
            self._require_running()
        return True

    def _require_stored(self, rule: str) -> None:
        if self._is_pending():
            raise RuntimeError(f"{rule}: call start() first, maybe paused")

    def _now(self) -> datetime:
        return self._engine.clock.now(self.timezone)

    def _slots(self, alias: str | None) -> Iterator[StoreSlot]:
        return (slot for slot in self._engine.registry if alias in (None, slot.alias))

    def _removed(self, slot: StoreSlot, job_id: str) -> None:
        self._engine.forget_job(slot, job_id)
        self._logger.info("Removed job %s", job_id, extra={"event": "job_removed"})
        self._engine.listeners.tell(JobEvent(EVENT_JOB_REMOVED, job_id, slot.alias))

    def _lookup_job(self, job_id: str, jobstore: str | None) -> tuple[Job, str | None]:
        if self._is_pending():
            with self._lock:
                for pending in self._pending_jobs:
                    if pending.job.id == job_id and jobstore in (None, pending.alias):
                        return pending.job, None
        else:
            for slot in self._slots(jobstore):
                job = slot.store.lookup_job(job_id)
                if job is not None:
                    return job, slot.alias
        raise JobLookupError(job_id)

    def _remove_pending(self, job_id: str, jobstore: str | None) -> bool:
        with self._lock:
            for index, pending in enumerate(self._pending_jobs):
                if pending.job.id == job_id and jobstore in (None, pending.alias):
                    del self._pending_jobs[index]
                    return True
        return False

    def _changed(self, job_id: str, jobstore: str | None, changes: Changes) -> Job:
        """Change a job by what is never None."""
        job = self._change(job_id, jobstore, changes)
        assert job is not None
        return job

    def _change(self, job_id: str, jobstore: str | None, changes: Changes) -> Job | None:
        if self._is_pending():
            job, _ = self._lookup_job(job_id, jobstore)
            wanted = changes(job)
            if wanted is None:
                self._remove_pending(job_id, jobstore)
                return None
            job._modify(**wanted)
            return job
        for slot in self._slots(jobstore):
            while (row := slot.store.read_job(job_id)) is not None:
                loaded = slot.store.show(row)
                wanted = changes(loaded)
                if wanted is None:
                    if slot.store.delete_jobs([job_id]):
                        self._removed(slot, job_id)
                    return None
                changed = loaded._copy()
                changed._modify(**wanted)
                new = JobRow(job_id, stamp_of(changed), row.revision, _definition(slot, row, changed, wanted))
                if slot.store.replace_job(new):
                    self._modified(slot, job_id, new.next_run_time)
                    # The memory store has changed the very handle; a store of 3.x was handed the copy.
                    return loaded if slot.store is slot.given and loaded is row.definition else changed
        raise JobLookupError(job_id)

    def _modified(self, slot: StoreSlot, job_id: str, stamp: float | None) -> None:
        self._engine.forget_job(slot, job_id)
        if EVENT_JOB_MODIFIED & self._engine.listeners.mask:
            self._engine.listeners.tell(JobEvent(EVENT_JOB_MODIFIED, job_id, slot.alias))
        if stamp is not None:
            self._engine.note_due(slot, stamp)

    def _with_trigger(self, job: Job, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return `changes` with arguments of the job's trigger turned into a new trigger."""
        names = [name for name in changes if name not in MODIFIABLE]
        if not names or "trigger" in changes or not argument_names(type(job.trigger)).issuperset(names):
            return changes
        now = self._now()
        with using(self._engine.clock):
            trigger = with_arguments(
                job.trigger, {name: changes[name] for name in names}, now.astimezone(UTC)
            )
        rest = {name: value for name, value in changes.items() if name not in names}
        rest["trigger"] = trigger
        if "next_run_time" not in rest and getattr(job, "next_run_time", None) is not None:
            rest["next_run_time"] = trigger.get_next_fire_time(None, now)
        return rest


def _definition(slot: StoreSlot, row: JobRow, changed: Job, wanted: Mapping[str, Any]) -> Any:
    """Return what to store of a changed job.

    One that cannot be rebuilt here may be paused and resumed; anything else could damage what another process can read.
    """
    if changed.unreadable_reason is None:
        return slot.store.dump(changed)
    if set(wanted) == {"next_run_time"}:
        return row.definition
    raise JobUnreadableError(
        f"Job {row.job_id} cannot be rebuilt in this process ({changed.unreadable_reason}), so it can only be paused,"
        " resumed and removed here"
    )


def _print(title: str, jobs: Sequence[Job], nothing: str, out: IO[str]) -> None:
    lines = [f"    {job}" for job in jobs] or [f"    {nothing}"]
    print(title, *lines, sep="\n", file=out)
