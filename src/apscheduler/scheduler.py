"""The interface of APScheduler 2: `Scheduler`, with `interval_schedule()`, `cron_schedule()` and `add_*_job()`.

A thin shell, so that programs and guides of that time run: each call is passed on to a scheduler of today, which is at
hand as `Scheduler.scheduler` for all that 2.x did not have (`get_runs()`, `modify_job()`, job ids). New programs use
`apscheduler.schedulers` directly. Events have the codes of `apscheduler.events`, so take masks from there by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import IO, Any

from apscheduler._core.options import gather, unknown
from apscheduler.errors import JobLookupError, SchedulerAlreadyRunningError
from apscheduler.events import EVENT_ALL, JobEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.job import Job
from apscheduler.jobstores.base import BaseJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger
from apscheduler.util import asbool, asint

__all__ = ("Scheduler", "SchedulerAlreadyRunningError")

MAX_THREADS = 20
"""How many jobs run at once unless `threadpool.max_threads` says otherwise, as in 2.x."""

REMEMBERED = 1000
"""How many of the jobs that were added last an event's `job` can name after they have left their store."""

_OPTIONS = ("misfire_grace_time", "coalesce", "daemonic", "standalone", "threadpool", "jobstore", "timezone")
_JOB_OPTIONS = (
    "name", "jobstore", "misfire_grace_time", "coalesce", "max_instances", "max_runs", "id", "replace_existing",
)  # fmt: skip
_STORES = {
    "ram_store:RAMJobStore": "apscheduler.jobstores.memory:MemoryJobStore",
    "sqlalchemy_store:SQLAlchemyJobStore": "apscheduler.jobstores.sqlalchemy:SQLAlchemyJobStore",
    "mongodb_store:MongoDBJobStore": "apscheduler.jobstores.mongodb:MongoDBJobStore",
    "redis_store:RedisJobStore": "apscheduler.jobstores.redis:RedisJobStore",
}


class Scheduler:
    """Runs functions at intervals, at cron times and at dates, in threads of this process, as in APScheduler 2.

    Args:
        gconfig: options as a dict whose keys start with `apscheduler.`.
        options: the same options as keyword arguments.

    Options:
        misfire_grace_time: seconds (1) that a run may start late.
        coalesce: run once (True) where several run times have passed.
        daemonic: the scheduler does not keep the program alive (True).
        standalone: `start()` does not return until the scheduler is shut down (False).
        threadpool: dict of `max_threads` (20), also as `threadpool.max_threads`.
        jobstore: dict of alias to a dict of `class` and its arguments, also as `jobstore.<alias>.class`.
        timezone: name or tzinfo (that of the machine). 2.x did not have it.

    Attributes:
        scheduler: the scheduler that does the work, with the interface of APScheduler 3.
    """

    scheduler: BackgroundScheduler

    def __init__(self, gconfig: Mapping[str, Any] = {}, **options: Any) -> None:
        self._added: dict[str, Job] = {}
        self._heard: list[tuple[Callable[[Any], Any], Callable[[Any], Any]]] = []
        self.scheduler = self._shell = _Shell()
        self.configure(gconfig, **options)

    # -- life -----------------------------------------------------------------------------------------------------

    def configure(self, gconfig: Mapping[str, Any] = {}, **options: Any) -> None:
        """Set the options anew; those that are not given get their defaults.

        Raises:
            SchedulerAlreadyRunningError: the scheduler runs.
            ValueError: a job store of 2.x is named that there is no successor for.
        """
        config = gather(gconfig, "apscheduler.", options)
        for name, near in unknown(config, _OPTIONS).items():
            hint = f"did you mean {near}?" if near else f"known are {', '.join(_OPTIONS)}"
            self._shell.warn("Unknown option %s of the 2.x Scheduler is ignored; %s", name, hint)
        self.daemonic = asbool(config.get("daemonic", True))
        self.standalone = asbool(config.get("standalone", False))
        self.misfire_grace_time = asint(config.get("misfire_grace_time", 1))
        self.coalesce = asbool(config.get("coalesce", True))
        pool = config.get("threadpool", {})
        threads = asint(pool.get("max_threads", MAX_THREADS)) if isinstance(pool, Mapping) else MAX_THREADS
        self.scheduler.configure(
            timezone=config.get("timezone"),
            daemon=self.daemonic,
            executors={"default": ThreadPoolExecutor(threads or MAX_THREADS)},
            jobstores={alias: _store_of(store) for alias, store in config.get("jobstore", {}).items()},
            job_defaults={"misfire_grace_time": self.misfire_grace_time, "coalesce": self.coalesce},
        )
        self._shell.standalone = self.standalone

    def start(self) -> None:
        """Run what is due from now on; with the option `standalone` this returns when the scheduler is shut down.

        Raises:
            SchedulerAlreadyRunningError: it runs already.
        """
        self.scheduler.start()

    def shutdown(
        self, wait: bool = True, shutdown_threadpool: bool = True, close_jobstores: bool = True
    ) -> None:
        """Stop; nothing happens where it does not run.

        Args:
            wait: whether to wait for the runs in flight.
            shutdown_threadpool: without effect; the threads end, and `start()` makes new ones.
            close_jobstores: without effect; the job stores are closed, and `start()` opens them again.
        """
        if self.running:
            self.scheduler.shutdown(wait)

    @property
    def running(self) -> bool:
        """Whether the scheduler has been started and not shut down."""
        return self.scheduler.running

    # -- jobs -----------------------------------------------------------------------------------------------------

    def add_interval_job(
        self,
        func: Callable[..., Any],
        weeks: float = 0,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
        start_date: datetime | date | str | None = None,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Job:
        """Run `func` again and again, first at `start_date`, or after one interval. See `add_job()`."""
        trigger = IntervalTrigger(
            weeks, days, hours, minutes, seconds, start_date, timezone=self.scheduler.timezone
        )
        return self.add_job(trigger, func, args, kwargs, **options)

    def add_cron_job(
        self,
        func: Callable[..., Any],
        year: int | str | None = None,
        month: int | str | None = None,
        day: int | str | None = None,
        week: int | str | None = None,
        day_of_week: int | str | None = None,
        hour: int | str | None = None,
        minute: int | str | None = None,
        second: int | str | None = None,
        start_date: datetime | date | str | None = None,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Job:
        """Run `func` at the times that match all fields; Monday is 0. See `add_job()`."""
        trigger = CronTrigger(
            year, month, day, week, day_of_week, hour, minute, second, start_date, timezone=self.scheduler.timezone
        )  # fmt: skip
        return self.add_job(trigger, func, args, kwargs, **options)

    def add_date_job(
        self,
        func: Callable[..., Any],
        date: datetime | date | str,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Job:
        """Run `func` once, at `date`. See `add_job()`."""
        return self.add_job(DateTrigger(date, self.scheduler.timezone), func, args, kwargs, **options)

    def interval_schedule(self, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Add the decorated function as `add_interval_job()` does; its `job` attribute is the job."""
        return self._decorator(self.add_interval_job, options)

    def cron_schedule(self, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Add the decorated function as `add_cron_job()` does; its `job` attribute is the job."""
        return self._decorator(self.add_cron_job, options)

    def add_job(
        self,
        trigger: BaseTrigger,
        func: Callable[..., Any],
        args: Iterable[Any] | None,
        kwargs: Mapping[str, Any] | None,
        jobstore: str = "default",
        **options: Any,
    ) -> Job:
        """Add a job and return it; before `start()` it is pending.

        Args:
            trigger: when it runs.
            func: what to call.
            args: its positional arguments.
            kwargs: its keyword arguments.
            jobstore: alias of the job store.
            options: `name`, `misfire_grace_time`, `coalesce`, `max_instances`, `max_runs`: how many run times the
                job has at most, counted from now; and of today's `id`, `replace_existing`.

        Raises:
            TypeError: `trigger` is no trigger, `func` is not callable, or an option is unknown.
            ValueError: the job would never run.
            KeyError: there is no such job store.
        """
        if not isinstance(trigger, BaseTrigger):
            raise TypeError(
                f"add_job() of the 2.x Scheduler takes a trigger first, got {trigger!r}: use add_interval_job(),"
                " add_cron_job() or add_date_job(), or Scheduler.scheduler.add_job(func, 'interval', ...)"
            )
        if not callable(func):
            raise TypeError(f"func must be callable, got {func!r}")
        for name, near in unknown(options, _JOB_OPTIONS).items():
            hint = f"did you mean {near}?" if near else f"known are {', '.join(_JOB_OPTIONS)}"
            raise TypeError(f"Unknown job option {name}={options[name]!r}; {hint}")
        now = self.scheduler.clock.now(self.scheduler.timezone)
        max_runs = options.pop("max_runs", None)
        if max_runs is not None:
            _end_after(trigger, max_runs, now)
        if trigger.get_next_fire_time(None, now) is None or (
            isinstance(trigger, DateTrigger) and trigger.run_date < now
        ):
            raise ValueError(
                f"Not adding job since it would never be run: {trigger} has no fire time after {now:%Y-%m-%d %H:%M:%S};"
                " give a later date"
            )
        job = self.scheduler.add_job(func, trigger, args, kwargs, jobstore=jobstore, **options)
        self._added[job.id] = job
        if len(self._added) > REMEMBERED:
            del self._added[next(iter(self._added))]
        return job

    def unschedule_job(self, job: Job) -> None:
        """Remove a job.

        Raises:
            KeyError: it is not scheduled, because it was removed or has had its last run.
        """
        self.scheduler.remove_job(job.id)

    def unschedule_func(self, func: Callable[..., Any]) -> None:
        """Remove all jobs that run `func`.

        Raises:
            KeyError: there is none.
        """
        found = [job for job in self.get_jobs() if job.func == func]
        if not found:
            raise KeyError(
                f"The function {func!r} is not scheduled in this scheduler; get_jobs() lists what is"
            )
        for job in found:
            try:
                self.scheduler.remove_job(job.id)
            except JobLookupError:
                pass  # it has had its last run meanwhile

    def get_jobs(self) -> list[Job]:
        """Return the jobs by ascending next run time; before `start()` the pending ones."""
        return self.scheduler.get_jobs()

    def print_jobs(self, out: IO[str] | None = None) -> None:
        """Write a readable list of the jobs to `out`, the standard output if not given."""
        self.scheduler.print_jobs(out=out)

    # -- job stores and listeners ---------------------------------------------------------------------------------

    def add_jobstore(self, jobstore: BaseJobStore, alias: str, quiet: bool = False) -> None:
        """Add a job store under `alias`; `quiet` is without effect.

        Raises:
            KeyError: the alias is taken.
        """
        try:
            self.scheduler.add_jobstore(jobstore, alias)
        except ValueError as exc:
            raise KeyError(str(exc)) from exc

    def remove_jobstore(self, alias: str, close: bool = True) -> None:
        """Take a job store out; its jobs stay in it.

        Raises:
            KeyError: there is none of that name.
        """
        self.scheduler.remove_jobstore(alias, close)

    def add_listener(self, callback: Callable[[Any], Any], mask: int = EVENT_ALL) -> None:
        """Have `callback(event)` called; events of a job also have it as `event.job` (None where it is not known)."""

        def tell(event: Any) -> None:
            if isinstance(event, JobEvent):
                known = self._added.get(event.job_id) or self.scheduler.get_job(event.job_id)
                event.job = known  # type: ignore[attr-defined]
            callback(event)

        self._heard.append((callback, tell))
        self.scheduler.add_listener(tell, mask)

    def remove_listener(self, callback: Callable[[Any], Any]) -> None:
        """Stop calling `callback`; without effect where it was not added."""
        for given, tell in list(self._heard):
            if given == callback:
                self._heard.remove((given, tell))
                self.scheduler.remove_listener(tell)

    # -- parts of the above ---------------------------------------------------------------------------------------

    def _decorator(
        self, add: Callable[..., Job], options: dict[str, Any]
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def decorate(func: Callable[..., Any]) -> Callable[..., Any]:
            func.job = add(func, **options)  # type: ignore[attr-defined]
            return func

        return decorate


class _Shell(BackgroundScheduler):
    """A background scheduler whose `start()` can also be that of a blocking one."""

    standalone = False

    def start(self, paused: bool = False) -> None:
        """Start, and return at once unless `standalone` is set."""
        if self.standalone:
            self._thread = None
            BlockingScheduler.start(self, paused)
        else:
            super().start(paused)

    def warn(self, message: str, *arguments: object) -> None:
        self._logger.warning(message, *arguments, extra={"event": "unknown_option"})

    def _loop_alive(self) -> bool:
        return self.running if self.standalone else super()._loop_alive()


def _store_of(config: Any) -> Any:
    """Return what the option `jobstores` of today takes for a job store that is described as in 2.x.

    Raises:
        ValueError: it is the shelve store.
    """
    if not isinstance(config, Mapping) or not isinstance(config.get("class"), str):
        return config
    module, _, name = config["class"].rpartition(".")
    if module == "apscheduler.jobstores" and name.startswith("shelve_store:"):
        raise ValueError(
            f"There is no successor of the job store {config['class']}: a file of jobs is kept by"
            " apscheduler.jobstores.sqlalchemy:SQLAlchemyJobStore with url='sqlite:///jobs.sqlite'"
        )
    return {**config, "class": _STORES.get(name, config["class"])}


def _end_after(trigger: BaseTrigger, times: Any, now: datetime) -> None:
    """Have a trigger end with its `times`-th fire time from `now` on.

    Raises:
        ValueError: it is not a positive whole number, or the trigger is of another kind.
    """
    if not isinstance(times, int) or times < 1:
        raise ValueError(f"max_runs must be a positive whole number or None, got {times!r}")
    last = trigger.get_next_fire_time(None, now)
    if last is None or isinstance(trigger, DateTrigger):
        return
    if isinstance(trigger, IntervalTrigger):
        elapsed = last.astimezone(UTC) + (times - 1) * trigger.interval
        trigger.end_date = elapsed.astimezone(trigger.timezone)
        return
    if not isinstance(trigger, CronTrigger):
        raise ValueError(f"max_runs is for interval, cron and date jobs; give {trigger} an end_date instead")
    for _ in range(times - 1):
        last = trigger.get_next_fire_time(last, last) or last
    trigger.end_date = last
