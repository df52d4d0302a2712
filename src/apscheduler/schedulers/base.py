"""BaseScheduler: the public interface of every scheduler, without a loop.

What a scheduler does is in `_turn`; how it sleeps and is woken, in its driver. Here it is configured, started, stopped.
A scheduler of one's own subclasses `BaseScheduler` as with 3.x: it overrides `wakeup()`, and calls `_process_jobs()`
whenever the number of seconds that this returned has passed.
"""

from __future__ import annotations

import logging
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from threading import RLock, get_ident
from typing import TYPE_CHECKING, Any

from apscheduler._clock import SYSTEM, Clock
from apscheduler._core.options import gather
from apscheduler._core.retention import parse as parse_retention
from apscheduler._limits import shared_limits
from apscheduler.errors import SchedulerAlreadyRunningError, SchedulerNotRunningError
from apscheduler.events import (
    EVENT_ALL,
    EVENT_ALL_JOBS_REMOVED,
    EVENT_EXECUTOR_ADDED,
    EVENT_EXECUTOR_REMOVED,
    EVENT_JOB_ADDED,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MODIFIED,
    EVENT_JOB_REMOVED,
    EVENT_JOB_SUBMITTED,
    EVENT_JOBSTORE_ADDED,
    EVENT_JOBSTORE_REMOVED,
    EVENT_SCHEDULER_PAUSED,
    EVENT_SCHEDULER_RESUMED,
    EVENT_SCHEDULER_SHUTDOWN,
    EVENT_SCHEDULER_STARTED,
    SchedulerEvent,
)
from apscheduler.executors.base import BaseExecutor
from apscheduler.jobstores.base import BaseJobStore
from apscheduler.schedulers import _forking
from apscheduler.schedulers._components import make_component
from apscheduler.schedulers._engine import Engine
from apscheduler.schedulers._job_adding import JobAdding
from apscheduler.schedulers._lifecycle import Lifecycle
from apscheduler.schedulers._loop_driver import run_to_end
from apscheduler.schedulers._options import components, job_defaults, renames, seconds, warn_of_unknown
from apscheduler.schedulers._run_calls import RunCalls
from apscheduler.schedulers._states import STATE_PAUSED, STATE_RUNNING, STATE_STOPPED, TIMEOUT_MAX
from apscheduler.schedulers._turn import turn
from apscheduler.triggers._zones import local_zone
from apscheduler.util import astimezone, maybe_ref

if TYPE_CHECKING:
    from apscheduler.health import Health

__all__ = (
    "EVENT_ALL",
    "EVENT_ALL_JOBS_REMOVED",
    "EVENT_EXECUTOR_ADDED",
    "EVENT_EXECUTOR_REMOVED",
    "EVENT_JOBSTORE_ADDED",
    "EVENT_JOBSTORE_REMOVED",
    "EVENT_JOB_ADDED",
    "EVENT_JOB_MAX_INSTANCES",
    "EVENT_JOB_MODIFIED",
    "EVENT_JOB_REMOVED",
    "EVENT_JOB_SUBMITTED",
    "EVENT_SCHEDULER_PAUSED",
    "EVENT_SCHEDULER_RESUMED",
    "EVENT_SCHEDULER_SHUTDOWN",
    "EVENT_SCHEDULER_STARTED",
    "STATE_PAUSED",
    "STATE_RUNNING",
    "STATE_STOPPED",
    "TIMEOUT_MAX",
    "BaseScheduler",
    "SchedulerAlreadyRunningError",
    "SchedulerNotRunningError",
)

LEASE = 30.0


class BaseScheduler(JobAdding, RunCalls, Lifecycle, metaclass=ABCMeta):
    """Runs jobs when they are due. Every method may be called from any thread.

    Args:
        gconfig: options as a dict, nested or with dotted keys; only keys that start with `apscheduler.` count.
        options: the same options without that prefix, as keyword arguments.

    Options:
        jobstores: dict of alias to job store, or to a dict with `type` (plugin name) or `class`, and its arguments.
        executors: the same for executors. Without a "default" one, there is a memory store, and ten threads.
        job_defaults: dict of `misfire_grace_time` (1), `coalesce` (True), `max_instances` (1), `on_crash` ("record").
        timezone: name or tzinfo; that of the machine if not given.
        renames: dict of textual references that stored jobs have to those that they lead to now, for functions that
            were moved or renamed: `{"old.module:func": "new.module:func"}`.
        run_log: True, False, or a dict of `max_age` (7 days) and `per_job` (1,000): how long run records are kept.
        jobstore_retry_interval: seconds (10) until a job store that failed is tried again.
        lease: seconds (30) without a heartbeat after which other schedulers hold this one for dead.
        logger: a logger or its reference; "apscheduler.scheduler" if not given.

    An unknown option is logged as a warning that names the nearest known one.
    """

    _known_options: tuple[str, ...] = (
        "jobstores",
        "executors",
        "job_defaults",
        "timezone",
        "run_log",
        "renames",
        "jobstore_retry_interval",
        "lease",
        "logger",
        "clock",
    )
    state: int = STATE_STOPPED
    clock: Clock = SYSTEM

    def __init__(self, gconfig: Mapping[str, Any] = {}, **options: Any) -> None:
        self._make_locks()
        self._pending_jobs: list[Any] = []
        self._logger = logging.getLogger("apscheduler.scheduler")
        self._engine = Engine(SYSTEM, self._logger, self._wake)
        self.state = STATE_STOPPED
        self.configure(gconfig, **options)
        _forking.remember(self)

    # -- configuration ------------------------------------------------------------------------------------------

    def configure(
        self, gconfig: Mapping[str, Any] = {}, prefix: str = "apscheduler.", **options: Any
    ) -> None:
        """Set the options anew; those that are not given get their defaults.

        Args:
            gconfig: options as a dict, nested or with dotted keys.
            prefix: only keys of `gconfig` that start with it count.
            options: options as keyword arguments; they win.

        Raises:
            SchedulerAlreadyRunningError: the scheduler runs.
        """
        if self.state != STATE_STOPPED:
            raise SchedulerAlreadyRunningError
        self._configure(gather(gconfig, prefix, options))

    def _configure(self, config: dict[str, Any]) -> None:
        warn_of_unknown(config, self._known_options, self._logger)
        self._logger = maybe_ref(config.pop("logger", None)) or logging.getLogger("apscheduler.scheduler")
        self.timezone = astimezone(config.pop("timezone", None)) or local_zone()
        self.jobstore_retry_interval = seconds(
            "jobstore_retry_interval", config.pop("jobstore_retry_interval", 10)
        )
        self._lease = seconds("lease", config.pop("lease", LEASE))
        self.clock = config.pop("clock", None) or SYSTEM
        self.renames = renames(config.get("renames"))
        self._job_defaults = job_defaults(config.get("job_defaults", {}))
        self._default_limits = shared_limits("default", **self._job_defaults)
        # What was added by hand before stays, as in 3.x; what the options name comes beside it.
        engine = self._engine = self._engine.successor(self.clock, self._logger)
        engine.timezone = self.timezone
        engine.retry_interval = self.jobstore_retry_interval
        engine.lease = self._lease
        engine.retention = parse_retention(config.get("run_log"))
        self._configure_components("executor", components("executor", config.get("executors", {})))
        self._configure_components("jobstore", components("jobstore", config.get("jobstores", {})))

    def _configure_components(self, kind: str, config: Mapping[str, Any]) -> None:
        registry = self._engine.registry
        have = registry.executors if kind == "executor" else registry.slots
        for alias, value in config.items():
            if alias in have:
                (registry.remove_executor if kind == "executor" else registry.remove_store)(alias)
            component = make_component(kind, alias, value)
            (self.add_executor if kind == "executor" else self.add_jobstore)(component, alias)

    # -- start, stop, pause -------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether the scheduler has been started and not shut down; also True while it is paused."""
        return self.state != STATE_STOPPED

    def start(self, paused: bool = False) -> None:
        """Start the executors and job stores, store the pending jobs, and begin to run what is due.

        Args:
            paused: run nothing until `resume()` is called.

        Raises:
            SchedulerAlreadyRunningError: it runs already.
            RuntimeError: it runs under uWSGI, without threads.
        """
        self._start(paused)

    def shutdown(self, wait: bool = True, timeout: float | None = None) -> None:
        """Start nothing more, end the executors, write what they reported, and close the job stores.

        Args:
            wait: whether to wait for the runs in flight. If not, they go on, and their outcomes are still recorded.
            timeout: seconds to wait at most; runs that have not ended by then are recorded as interrupted.

        Called within a turn - by a listener, or by the handler of a signal that has come in the middle of it - the
        scheduler is stopped at once, and the rest is done at the end of the turn; called by a handler in the middle of
        another call, in a thread. A job that calls this is not waited for: it waits for the others, and the job stores
        are closed when it has ended itself.

        Raises:
            SchedulerNotRunningError: it does not run.
        """
        ending = self._ask_to_end(partial(self._end_everything, wait, timeout), get_ident())
        if ending is not None:
            self._end_by(ending)

    def health(self) -> Health:
        """Return whether the scheduler does its work: its loop, its job stores, how late it is.

        Nothing is asked and no lock is taken, so this may be called often, from any thread.
        """
        from apscheduler.schedulers._health import (
            health_of,  # like all that not every program needs at its start
        )

        return health_of(self._engine, self.state, self._loop_alive())

    def pause(self) -> None:
        """Start no more runs until `resume()`. What becomes due meanwhile follows the misfire policy.

        Raises:
            SchedulerNotRunningError: the scheduler does not run.
        """
        self._require_running()
        if self.state == STATE_RUNNING:
            self.state = STATE_PAUSED
            self._engine.paused = True
            self._logger.info("Paused scheduler job processing", extra={"event": "scheduler_paused"})
            self._engine.listeners.tell(SchedulerEvent(EVENT_SCHEDULER_PAUSED))

    def resume(self) -> None:
        """Start runs again.

        Raises:
            SchedulerNotRunningError: the scheduler does not run.
        """
        self._require_running()
        if self.state == STATE_PAUSED:
            self.state = STATE_RUNNING
            self._engine.paused = False
            self._logger.info("Resumed scheduler job processing", extra={"event": "scheduler_resumed"})
            self._engine.listeners.tell(SchedulerEvent(EVENT_SCHEDULER_RESUMED))
            self.wakeup()

    # -- listeners ----------------------------------------------------------------------------------------------

    def add_listener(self, callback: Callable[[Any], Any], mask: int = EVENT_ALL) -> None:
        """Have `callback(event)` called for events whose code is in `mask`.

        It is called in the thread where the event happens; what it raises is logged and harms nothing.
        """
        self._engine.listeners.add(callback, mask)

    def remove_listener(self, callback: Callable[[Any], Any]) -> None:
        """Stop calling `callback`; without effect where it was not added."""
        self._engine.listeners.remove(callback)

    # -- what a scheduler of one's own may override, or call ------------------------------------------------------

    @abstractmethod
    def wakeup(self) -> None:
        """Have `_process_jobs()` called soon; called from any thread whenever there is something to do."""

    def _process_jobs(self) -> float:
        """Make one turn in this thread; return the seconds until the next (at most 60). It never raises.

        If another thread is making one, nothing is done.
        """
        guard = self._turn_guard
        if self._turn_thread == get_ident() or not guard.acquire(False):
            return 0.05
        try:
            if self.state == STATE_STOPPED:
                return TIMEOUT_MAX
            self._turn_thread = get_ident()
            return run_to_end(turn(self._engine, self._head_start()), self._make_call)
        finally:
            self._turn_thread = None
            guard.release()
            self._end_if_asked()

    def _create_default_executor(self) -> BaseExecutor:
        from apscheduler.executors.pool import ThreadPoolExecutor

        return ThreadPoolExecutor()

    def _create_default_jobstore(self) -> BaseJobStore:
        from apscheduler.jobstores.memory import MemoryJobStore

        return MemoryJobStore()

    def _create_lock(self) -> Any:
        return RLock()

    def _dispatch_event(self, event: SchedulerEvent) -> None:
        self._engine.listeners.tell(event)

    # -- parts of the above -------------------------------------------------------------------------------------

    def _head_start(self) -> float:
        """Seconds by which a turn may begin early, and hold its thread until the run time has come."""
        return 0.0

    def _loop_alive(self) -> bool:
        return self.state != STATE_STOPPED

    def _wake(self) -> None:
        if self.state != STATE_STOPPED:
            self.wakeup()

    def _shut_down_by_signal(self) -> None:
        if self.state != STATE_STOPPED:
            self.shutdown(wait=True)
            self._ended_by_signal = True

    def __getstate__(self) -> None:
        raise TypeError(
            "Schedulers cannot be serialized. Ensure that you are not passing a scheduler instance as an argument to a"
            " job, or scheduling an instance method where the instance contains a scheduler as an attribute."
        )
