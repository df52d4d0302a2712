"""The part of a scheduler that makes jobs and stores them: one, many, by decorator, from a file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import IO, Any

from apscheduler._core.claims import JobRow
from apscheduler._core.limits import Limits
from apscheduler._limits import NO_LIMITS
from apscheduler.errors import ConflictingIdError
from apscheduler.events import EVENT_JOB_ADDED, JobEvent
from apscheduler.job import NO_KWARGS, Job, checked_call
from apscheduler.schedulers._job_calls import JobCalls, Pending
from apscheduler.schedulers._new_jobs import fill_in, make_trigger
from apscheduler.schedulers._registry import StoreSlot
from apscheduler.schedulers._states import STATE_STOPPED
from apscheduler.triggers.base import BaseTrigger
from apscheduler.util import undefined

_LIMITS = frozenset(Limits._fields)


class JobAdding(JobCalls):
    """Mixed into `BaseScheduler`."""

    _default_limits: Limits

    def add_job(
        self,
        func: Callable[..., Any] | str,
        trigger: BaseTrigger | str | None = None,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        id: str | None = None,
        name: str | None = None,
        misfire_grace_time: int | None = undefined,
        coalesce: bool = undefined,
        max_instances: int = undefined,
        next_run_time: datetime | str | None = undefined,
        jobstore: str = "default",
        executor: str = "default",
        replace_existing: bool | str = False,
        on_crash: str = undefined,
        **trigger_args: Any,
    ) -> Job:
        """Add a job and return it; before `start()` it is pending, and stored when the scheduler starts.

        Args:
            func: a callable, or its name as text (`package.module:object.attribute`).
            trigger: an instance, or the name of one ("date", "interval", "cron"), made with `trigger_args`; without
                one the job runs once, now.
            args: positional arguments for `func`.
            kwargs: keyword arguments for `func`.
            id: unique in the job store; a random one if not given.
            name: a text for people; the name of `func` if not given.
            misfire_grace_time: seconds that a run may start late; None for any.
            coalesce: run once where several run times have passed.
            max_instances: how many runs of this job may be in flight at once.
            next_run_time: when to run first, instead of what the trigger says; None adds the job paused.
            jobstore: alias of the job store.
            executor: alias of the executor.
            replace_existing: False raises where the id is taken; True replaces the stored job; "if_changed" replaces
                it only where its definition differs, and else leaves its next run time and pause as they are.
            on_crash: what becomes of a run that a crash of its process cuts off: "record" it as interrupted, or "rerun"
                it once, in a scheduler that lives (see docs/howto/on-crash.md).
            trigger_args: arguments for the trigger.

        Raises:
            ConflictingIdError: the id is taken (at `start()` for a pending job).
            TransientJobError: the job store cannot keep `func`, as nothing could find it again by a name.
            JobSerializationError: the job store cannot keep an argument.
            LookupError: `func` or the trigger cannot be found by its name, or there is no such job store.
            TypeError, ValueError: an argument is not right; the message names it.
        """
        if replace_existing is not False and replace_existing not in (True, "if_changed"):
            raise ValueError(
                f"replace_existing must be True, False or 'if_changed', got {replace_existing!r}"
            )
        limits = (executor, misfire_grace_time, coalesce, max_instances, on_crash)
        job = self._make_job(func, trigger, args, kwargs, id, name, limits, next_run_time, trigger_args)
        if self.state == STATE_STOPPED:
            if self._is_pending() and self._keep_pending([job], jobstore, replace_existing):
                return job
            return self._real_add_job(job, jobstore, replace_existing)
        new = next_run_time is undefined and type(trigger) is str
        fill_in(job, self._default_limits, self._engine.clock, self.timezone, self._logger, new)
        return self._store_job(job, jobstore, replace_existing)

    def add_jobs(
        self,
        jobs: Iterable[Mapping[str, Any]],
        jobstore: str = "default",
        replace_existing: bool | str = False,
    ) -> list[Job]:
        """Add many jobs at once: one transaction, all of them or none.

        Args:
            jobs: for each job the arguments of `add_job()` as a dict; `jobstore` and `replace_existing` are given
                here for all of them.
            jobstore: alias of the job store.
            replace_existing: as for `add_job()`; where it is not False, jobs whose ids are taken are replaced one by
                one after the new ones were added.

        Raises:
            ConflictingIdError: an id is taken, or comes twice; nothing is added.
        """
        runs = self.state != STATE_STOPPED
        made = [self._make_job_of(dict(arguments), filled_in=runs) for arguments in jobs]
        seen: set[str] = set()
        for job in made:
            if job.id in seen:
                raise ConflictingIdError(job.id)
            seen.add(job.id)
        if self._is_pending() and self._keep_pending(made, jobstore, replace_existing):
            return made
        slot = self._engine.registry.store(jobstore)
        for job in made:
            if not runs:
                fill_in(job, self._default_limits, self._engine.clock, self.timezone, self._logger)
            job._jobstore_alias = jobstore
        rows = {job.id: slot.store.new_row(job) for job in made}
        while rows and (taken := slot.store.insert_jobs(list(rows.values()))):
            if replace_existing is False:
                raise ConflictingIdError(next(iter(taken)))
            for job_id in taken:
                del rows[job_id]
        return [
            self._added(slot, job, rows[job.id].next_run_time)
            if job.id in rows
            else self._store_job(job, jobstore, replace_existing)
            for job in made
        ]

    def scheduled_job(
        self,
        trigger: BaseTrigger | str,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        id: str | None = None,
        name: str | None = None,
        misfire_grace_time: int | None = undefined,
        coalesce: bool = undefined,
        max_instances: int = undefined,
        next_run_time: datetime | str | None = undefined,
        jobstore: str = "default",
        executor: str = "default",
        on_crash: str = undefined,
        **trigger_args: Any,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Add the decorated function as a job; arguments as for `add_job()`. A job with the same id is replaced."""
        if callable(trigger) and not isinstance(trigger, (str, BaseTrigger)):
            name = getattr(trigger, "__name__", repr(trigger))
            raise TypeError(
                f"scheduled_job() is given the function {name} where the trigger belongs: leave it out, as the function"
                f" is the one that is decorated; @scheduler.scheduled_job('interval', minutes=2) above def {name}"
            )

        def decorate(func: Callable[..., Any]) -> Callable[..., Any]:
            self.add_job(
                func, trigger, args, kwargs, id, name, misfire_grace_time, coalesce, max_instances, next_run_time,
                jobstore, executor, True, on_crash, **trigger_args,
            )  # fmt: skip
            return func

        return decorate

    def import_jobs(self, infile: IO[str] | str, jobstore: str = "default") -> None:
        """Add the jobs of a file that `export_jobs()` wrote, here or in 3.x.

        Args:
            infile: a path, or a text file open for reading.
            jobstore: alias of the job store to add them to.

        Raises:
            ConflictingIdError: a job with one of the ids exists; those before it in the file have been added.
            ValueError: the file is of another format, or of a newer version.
        """
        from apscheduler import _transfer

        for state in _transfer.read(infile):
            job = Job.__new__(Job)
            job.__setstate__(state)
            job._scheduler, job._jobstore_alias = self, None
            if not self._is_pending() or not self._keep_pending([job], jobstore, False):
                self._real_add_job(job, jobstore, False)

    # -- parts of the above -------------------------------------------------------------------------------------

    def _make_job(
        self,
        func: Callable[..., Any] | str,
        trigger: BaseTrigger | str | None,
        args: Iterable[Any] | None,
        kwargs: Mapping[str, Any] | None,
        id: str | None,
        name: str | None,
        limits: tuple[Any, ...],
        next_run_time: datetime | str | None,
        trigger_args: Mapping[str, Any],
    ) -> Job:
        """Return a job as described in `add_job()`; what was not given is filled in when it is stored."""
        call = checked_call(func, () if args is None else args, NO_KWARGS if kwargs is None else kwargs)
        made = make_trigger(trigger, trigger_args, self.timezone, self._logger, self._engine.clock)
        job = Job._made(self, id, call, name, made)
        if limits != NO_LIMITS:
            given = zip(Limits._fields, limits, strict=True)
            job._modify(**{name: value for name, value in given if value is not undefined})
        if next_run_time is not undefined:
            job._modify(next_run_time=next_run_time)
        return job

    def _make_job_of(self, given: dict[str, Any], filled_in: bool) -> Job:
        """Return the job that `add_job()` would make of these arguments, `filled_in` or not."""
        if "func" not in given:
            raise TypeError(f"add_jobs: a job without func: {given!r}")
        for name in ("jobstore", "replace_existing"):
            if name in given:
                raise TypeError(f"add_jobs: {name} is given once for all jobs, and not for one of them")
        take = given.pop
        limits: tuple[Any, ...] = NO_LIMITS
        if not _LIMITS.isdisjoint(given):
            limits = tuple([take(name, value) for name, value in zip(Limits._fields, NO_LIMITS, strict=True)])
        func, trigger, args, kwargs = (
            take("func"),
            take("trigger", None),
            take("args", None),
            take("kwargs", None),
        )
        job_id, name, next_run_time = take("id", None), take("name", None), take("next_run_time", undefined)
        job = self._make_job(func, trigger, args, kwargs, job_id, name, limits, next_run_time, given)
        if filled_in:
            new = next_run_time is undefined and type(trigger) is str
            fill_in(job, self._default_limits, self._engine.clock, self.timezone, self._logger, new)
        return job

    def _keep_pending(self, jobs: Sequence[Job], alias: str, replace_existing: bool | str) -> bool:
        """Keep `jobs` until the scheduler starts; False where it has been started meanwhile."""
        for job in jobs:
            self._try_to_dump(job, alias)
        with self._lock:
            if self.state != STATE_STOPPED:
                return False
            self._pending_jobs += [Pending(job, alias, replace_existing) for job in jobs]
        for job in jobs:
            self._logger.info(
                'Job "%s" is pending until the scheduler starts', job.name, extra={"event": "job_pending"}
            )
        return True

    def _try_to_dump(self, job: Job, alias: str) -> None:
        """Refuse now what the store could not keep at the start, when nobody would know which line asked for it."""
        slot = self._engine.registry.slots.get(alias)
        if slot is not None:
            call = job.func, job.func_ref, job.args, job.kwargs, job.name
            trial = Job._made(self, job.id, call, None, job.trigger)
            trial.limits = job.limits
            trial.next_run_time = None
            fill_in(trial, self._default_limits, self._engine.clock, self.timezone, self._logger)
            slot.store.dump(trial)

    def _store_pending_jobs(self, state: int) -> None:
        """Store the pending jobs, also those that are added meanwhile, and set the scheduler's state to `state`.

        Where one of them cannot be stored the start fails, and all of them are pending again.
        """
        done: set[int] = set()
        try:
            while True:
                with self._lock:
                    batch = [pending for pending in self._pending_jobs if id(pending) not in done]
                    if not batch:
                        self._pending_jobs.clear()
                        self.state = state
                        return
                for pending in batch:
                    self._real_add_job(*pending)
                    done.add(id(pending))
        except BaseException:
            for pending in self._pending_jobs:
                pending.job._jobstore_alias = None
            raise

    def _real_add_job(self, job: Job, alias: str, replace_existing: bool | str) -> Job:
        fill_in(job, self._default_limits, self._engine.clock, self.timezone, self._logger)
        return self._store_job(job, alias, replace_existing)

    def _store_job(self, job: Job, alias: str, replace_existing: bool | str) -> Job:
        registry = self._engine.registry
        slot = registry.slots.get(alias) or registry.store(alias)
        job._jobstore_alias = alias  # first, because once it is stored another thread may run it
        try:
            row = slot.store.new_row(job)
            if slot.store.insert_jobs((row,)):
                if replace_existing is False:
                    raise ConflictingIdError(job.id)
                return self._put_in_place(slot, job, row, only_if_changed=replace_existing == "if_changed")
        except BaseException:
            job._jobstore_alias = None
            raise
        return self._added(slot, job, row.next_run_time)

    def _put_in_place(self, slot: StoreSlot, job: Job, row: JobRow, only_if_changed: bool) -> Job:
        """Put `job` in the place of the stored one with its id; return the handle that counts."""
        store = slot.store
        while True:
            stored = store.read_job(job.id)
            if stored is None:
                if not store.insert_jobs((row,)):
                    break
                continue
            if only_if_changed:
                known = self._unchanged(slot, stored, job)
                if known is not None:
                    # For a program that has added it before `start()` and holds this handle.
                    job._assign(known)
                    return known
            if store.replace_job(JobRow(job.id, row.next_run_time, stored.revision, row.definition)):
                if store is slot.given and isinstance(stored.definition, Job):
                    job = stored.definition  # the memory store goes on with the handle that it has
                break
        return self._added(slot, job, row.next_run_time)

    def _unchanged(self, slot: StoreSlot, stored: JobRow, job: Job) -> Job | None:
        """Return the stored job if it is defined like `job`; one that cannot be rebuilt here counts as different."""
        try:
            known = slot.store.load(stored)
        except Exception as exc:
            self._logger.warning(
                "Job %s is replaced, because the stored one cannot be rebuilt: %s", job.id, exc,
                extra={"event": "job_replaced"},
            )  # fmt: skip
            return None
        from apscheduler._definition import same_definition

        return known if same_definition(known, job) else None

    def _added(self, slot: StoreSlot, job: Job, stamp: float | None) -> Job:
        if self._logger.isEnabledFor(logging.INFO):
            self._logger.info(
                'Added job "%s" to job store "%s"', job.name, slot.alias, extra={"event": "job_added"}
            )
        if EVENT_JOB_ADDED & self._engine.listeners.mask:
            self._engine.listeners.tell(JobEvent(EVENT_JOB_ADDED, job.id, slot.alias))
        if stamp is not None and not slot.knows(stamp):
            self._engine.note_due(slot, stamp)
        return job
