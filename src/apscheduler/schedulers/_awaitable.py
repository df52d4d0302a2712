"""Awaitable twins of the calls that may wait for a job store: the name with an `a` before it, the same signature.

Each makes its call in one of a few threads that serve nothing else, so neither the loop nor a full default pool is in
the way. Two calls of one task come one after the other, because the task awaits the first; calls of several tasks may
come in any order, as calls of several threads do. Listeners are called in that thread, with the context of the task.

Where the awaiting task is cancelled, a call that has begun goes on to its end and its result is dropped; one that waits
for a thread is not made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from apscheduler.job import Job
from apscheduler.jobstores.base import BaseJobStore
from apscheduler.schedulers._async_lifecycle import AsyncLifecycle
from apscheduler.triggers.base import BaseTrigger
from apscheduler.util import undefined

if TYPE_CHECKING:
    from apscheduler.nodes import Node
    from apscheduler.runs import Run


class AwaitableCalls(AsyncLifecycle):
    """Mixed into schedulers whose loop is one of asyncio."""

    # -- adding -------------------------------------------------------------------------------------------------

    async def aadd_job(
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
        """Do what `add_job()` does, and return the job when it is stored."""
        return await self._away(
            partial(
                self.add_job, func, trigger, args, kwargs, id, name, misfire_grace_time, coalesce, max_instances,
                next_run_time, jobstore, executor, replace_existing, on_crash, **trigger_args,
            )
        )  # fmt: skip

    async def aadd_jobs(
        self,
        jobs: Iterable[Mapping[str, Any]],
        jobstore: str = "default",
        replace_existing: bool | str = False,
    ) -> list[Job]:
        """Do what `add_jobs()` does: one transaction, all of them or none. `jobs` is iterated over in the thread."""
        return await self._away(partial(self.add_jobs, jobs, jobstore, replace_existing))

    async def aimport_jobs(self, infile: IO[str] | str, jobstore: str = "default") -> None:
        """Do what `import_jobs()` does; `infile` is read in the thread."""
        await self._away(partial(self.import_jobs, infile, jobstore))

    # -- changing -----------------------------------------------------------------------------------------------

    async def amodify_job(self, job_id: str, jobstore: str | None = None, **changes: Any) -> Job:
        """Do what `modify_job()` does, and return the job as it is stored then."""
        return await self._away(partial(self.modify_job, job_id, jobstore, **changes))

    async def areschedule_job(
        self,
        job_id: str,
        jobstore: str | None = None,
        trigger: BaseTrigger | str | None = None,
        **trigger_args: Any,
    ) -> Job:
        """Do what `reschedule_job()` does, and return the job with its new trigger."""
        return await self._away(partial(self.reschedule_job, job_id, jobstore, trigger, **trigger_args))

    async def apause_job(self, job_id: str, jobstore: str | None = None) -> Job:
        """Do what `pause_job()` does, and return the job."""
        return await self._away(partial(self.pause_job, job_id, jobstore))

    async def aresume_job(self, job_id: str, jobstore: str | None = None) -> Job | None:
        """Do what `resume_job()` does, and return the job, or None where it was removed as it fires no more."""
        return await self._away(partial(self.resume_job, job_id, jobstore))

    async def aremove_job(self, job_id: str, jobstore: str | None = None) -> None:
        """Do what `remove_job()` does."""
        await self._away(partial(self.remove_job, job_id, jobstore))

    async def aremove_all_jobs(self, jobstore: str | None = None) -> None:
        """Do what `remove_all_jobs()` does."""
        await self._away(partial(self.remove_all_jobs, jobstore))

    # -- looking up ---------------------------------------------------------------------------------------------

    async def aget_job(self, job_id: str, jobstore: str | None = None) -> Job | None:
        """Do what `get_job()` does. The methods of the job may wait for its store; the scheduler has their twins."""
        return await self._away(partial(self.get_job, job_id, jobstore))

    async def aget_jobs(
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
        """Do what `get_jobs()` does, with its pages and filters."""
        return await self._away(
            partial(
                self.get_jobs, jobstore, pending, limit=limit, after=after, due_before=due_before,
                id_prefix=id_prefix, paused=paused,
            )
        )  # fmt: skip

    async def aprint_jobs(self, jobstore: str | None = None, out: IO[str] | None = None) -> None:
        """Do what `print_jobs()` does; `out` is written to in the thread."""
        await self._away(partial(self.print_jobs, jobstore, out))

    async def aexport_jobs(self, outfile: IO[str] | str, jobstore: str | None = None) -> None:
        """Do what `export_jobs()` does; `outfile` is written in the thread."""
        await self._away(partial(self.export_jobs, outfile, jobstore))

    async def aget_runs(
        self,
        job_id: str | None = None,
        status: str | Iterable[str] | None = None,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        limit: int | None = 100,
        jobstore: str | None = None,
    ) -> list[Run]:
        """Do what `get_runs()` does: run records, newest run time first."""
        return await self._away(partial(self.get_runs, job_id, status, since, until, limit, jobstore))

    async def aget_nodes(self, jobstore: str | None = None) -> list[Node]:
        """Do what `get_nodes()` does: the schedulers that share the job stores."""
        return await self._away(partial(self.get_nodes, jobstore))

    # -- job stores ---------------------------------------------------------------------------------------------

    async def aadd_jobstore(
        self, jobstore: BaseJobStore | str, alias: str = "default", **jobstore_opts: Any
    ) -> None:
        """Do what `add_jobstore()` does; while the scheduler runs, that opens the job store."""
        await self._away(partial(self.add_jobstore, jobstore, alias, **jobstore_opts))

    async def aremove_jobstore(self, alias: str, shutdown: bool = True) -> None:
        """Do what `remove_jobstore()` does: write the last outcomes, and close the job store."""
        await self._away(partial(self.remove_jobstore, alias, shutdown))
