"""Executors and job stores of a scheduler: made from names and options, added, removed."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from apscheduler._notes import noted
from apscheduler._plugins import plugin_class
from apscheduler.events import (
    EVENT_EXECUTOR_ADDED,
    EVENT_EXECUTOR_REMOVED,
    EVENT_JOBSTORE_ADDED,
    EVENT_JOBSTORE_REMOVED,
    SchedulerEvent,
)
from apscheduler.executors.base import BaseExecutor
from apscheduler.jobstores.base import BaseJobStore
from apscheduler.schedulers._engine import Engine
from apscheduler.schedulers._registry import StoreSlot
from apscheduler.util import ref_to_obj

_BASES: dict[str, type] = {"executor": BaseExecutor, "jobstore": BaseJobStore}
_EXAMPLES = {
    "executor": "{'type': 'threadpool', 'max_workers': 20}",
    "jobstore": "{'type': 'sqlalchemy', 'url': 'sqlite:///jobs.sqlite'}",
}
_WORDS = {"executor": "executor", "jobstore": "job store"}

LONGEST_WAIT = 10.0
"""Seconds that a job store which is removed waits for a turn under way."""


def make_component(kind: str, alias: str, config: Any) -> Any:
    """Return the executor or jobstore that an option describes: an instance, or a dict with `type` or `class`.

    Raises:
        TypeError: `config` is neither.
        ValueError: the dict says neither `type` nor `class`.
    """
    word = _WORDS[kind]
    if isinstance(config, _BASES[kind]):
        return config
    if not isinstance(config, Mapping):
        got = type(config).__name__
        raise noted(
            TypeError(f"Expected {word} instance or dict for {kind}s[{alias!r}], got {got} instead"),
            f"A dict names the kind and its arguments, such as {_EXAMPLES[kind]}.",
        )
    options = dict(config)
    if "class" in options:
        cls = options.pop("class")
        options.pop("type", None)
        return _made(ref_to_obj(cls) if isinstance(cls, str) else cls, options, f"{kind}s[{alias!r}]")
    if "type" in options:
        return _made(plugin_class(kind, options.pop("type")), options, f"{kind}s[{alias!r}]")
    raise noted(
        ValueError(f'Cannot create {word} "{alias}" -- either "type" or "class" must be defined'),
        f"Write it as {_EXAMPLES[kind]}.",
    )


def _made(cls: Any, options: dict[str, Any], where: str) -> Any:
    """Return an instance; an error of its arguments says which option they come from, and what there is."""
    try:
        return cls(**options)
    except (TypeError, ValueError) as exc:
        if type(exc) not in (TypeError, ValueError):
            raise  # one of its own, which may have other attributes
        known = ", ".join(
            name for name in inspect.signature(cls).parameters if name not in ("args", "kwargs")
        )
        raise type(exc)(
            f"{where}: {exc} (given: {', '.join(options) or 'nothing'}; {cls.__name__} takes {known})"
        ) from exc


class Components:
    """The part of a scheduler that knows its executors and job stores."""

    _engine: Engine

    @property
    def _executors(self) -> dict[str, BaseExecutor]:
        return self._engine.registry.executors

    @property
    def _jobstores(self) -> dict[str, BaseJobStore]:
        return {alias: slot.given for alias, slot in self._engine.registry.slots.items()}

    def add_executor(
        self, executor: BaseExecutor | str, alias: str = "default", **executor_opts: Any
    ) -> None:
        """Add an executor under `alias`; it is started with the scheduler, or at once if that runs.

        Args:
            executor: an instance, or the name of a plugin, which is made with `executor_opts`.
            alias: what jobs call it.
            executor_opts: arguments for the plugin's class.

        Raises:
            ValueError: the alias is taken.
            TypeError: `executor` is neither an executor nor a name.
        """
        made = self._made("executor", executor, executor_opts, "an executor")
        self._engine.registry.add_executor(alias, made)
        if self.running:
            try:
                made.start(self, alias)
            except BaseException:
                self._engine.registry.remove_executor(alias)
                raise
        self._engine.listeners.tell(SchedulerEvent(EVENT_EXECUTOR_ADDED, alias))

    def remove_executor(self, alias: str, shutdown: bool = True) -> None:
        """Take an executor out, and shut it down without waiting unless `shutdown` is False.

        Raises:
            KeyError: there is no such executor.
        """
        executor = self._engine.registry.remove_executor(alias)
        if shutdown:
            executor.shutdown(wait=False)
        self._engine.listeners.tell(SchedulerEvent(EVENT_EXECUTOR_REMOVED, alias))

    def add_jobstore(
        self, jobstore: BaseJobStore | str, alias: str = "default", **jobstore_opts: Any
    ) -> None:
        """Add a job store under `alias`; it is started with the scheduler, or at once if that runs.

        Args:
            jobstore: an instance, or the name of a plugin, which is made with `jobstore_opts`.
            alias: what the methods of the scheduler call it.
            jobstore_opts: arguments for the plugin's class.

        Raises:
            ValueError: the alias is taken.
            TypeError: `jobstore` is neither a job store nor a name.
        """
        made = self._made("jobstore", jobstore, jobstore_opts, "a job store")
        slot = self._engine.registry.add_store(alias, made)
        if self.running:
            try:
                self._start_store(slot)
            except BaseException:
                self._engine.registry.remove_store(alias)
                raise
        self._engine.listeners.tell(SchedulerEvent(EVENT_JOBSTORE_ADDED, alias))
        if self.running:
            self._engine.store_changed(slot)

    def remove_jobstore(self, alias: str, shutdown: bool = True) -> None:
        """Take a job store out, and shut it down unless `shutdown` is False. Its jobs stay in it.

        Raises:
            KeyError: there is no such job store.
        """
        slot = self._engine.registry.remove_store(alias)
        if slot.started:
            self._await_turn(LONGEST_WAIT)  # in which it may be claiming; see also `_turn`
            self._engine.close_store(slot, "its job store was removed", shutdown)
        elif shutdown:
            slot.store.shutdown()
        self._engine.listeners.tell(SchedulerEvent(EVENT_JOBSTORE_REMOVED, alias))

    def _made(self, kind: str, component: Any, options: dict[str, Any], what: str) -> Any:
        if isinstance(component, _BASES[kind]):
            return component
        if isinstance(component, str):
            return plugin_class(kind, component)(**options)
        raise noted(
            TypeError(f"Expected {what} instance or a string, got {type(component).__name__} instead"),
            f"A string is the name of a plugin, as in {_EXAMPLES[kind]}.",
        )

    def _lookup_executor(self, alias: str) -> BaseExecutor:
        return self._engine.registry.executor(alias)

    def _lookup_jobstore(self, alias: str) -> BaseJobStore:
        return self._engine.registry.store(alias).given

    # -- what the whole scheduler brings --------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether the scheduler has been started and not shut down; also True while it is paused."""
        raise NotImplementedError

    def _await_turn(self, timeout: float) -> None:
        raise NotImplementedError

    def _start_store(self, slot: StoreSlot) -> None:
        raise NotImplementedError
