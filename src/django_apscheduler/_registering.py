"""`@register_job`: jobs that the code of a project declares."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple, TypeVar

from django.apps import apps
from django.utils.module_loading import module_has_submodule

from apscheduler.schedulers.base import BaseScheduler

F = TypeVar("F", bound=Callable[..., Any])

MODULE = "jobs"
"""The module of an app that `runapscheduler` imports."""


class Declared(NamedTuple):
    """A job as it was declared, and for which scheduler; None: for that of `runapscheduler`."""

    scheduler: BaseScheduler | None
    func: Callable[..., Any]
    args: tuple[Any, ...]
    options: dict[str, Any]


declared: list[Declared] = []


def register_job(
    scheduler: BaseScheduler | Any, *args: Any, replace_existing: bool | str = "if_changed", **kwargs: Any
) -> Callable[[F], F]:
    """Return a decorator that adds its function as a job.

    Args:
        scheduler: to add it to; left out, the job is added by `manage.py runapscheduler`.
        args: the trigger, and what else `add_job()` takes after the function.
        replace_existing: with "if_changed" or True, a stored job with this id is replaced where it is defined
            otherwise, and is left alone, paused or not and with its next run time, where it is the same; so any
            number of processes may register it. False raises `ConflictingIdError`.
        kwargs: `id` (the module and the name of the function, if not given), arguments of the trigger, and what else
            `add_job()` takes.
    """
    if not isinstance(scheduler, BaseScheduler):
        args, scheduler = ((scheduler, *args) if scheduler is not None else args), None

    def decorate(func: F) -> F:
        options = {"id": f"{func.__module__}.{func.__name__}", **kwargs, "replace_existing": replace_existing}
        if replace_existing is True and "next_run_time" not in kwargs:
            options["replace_existing"] = "if_changed"
        declared.append(Declared(scheduler, func, args, options))
        if scheduler is not None:
            scheduler.add_job(func, *args, **options)
        return func

    return decorate


def register_events(scheduler: BaseScheduler, result_storage: Any = None) -> None:
    """Do nothing: executions are recorded without it. Kept for projects that call it."""


def discover() -> list[str]:
    """Import the module `jobs` of every installed app that has one; return their names."""
    found = []
    for config in apps.get_app_configs():
        if config.module is not None and module_has_submodule(config.module, MODULE):
            found.append(f"{config.name}.{MODULE}")
            import_module(found[-1])
    return found


def add_declared(scheduler: BaseScheduler) -> int:
    """Add to `scheduler` what was declared for none, or for one that does not run; return how many jobs that are."""
    count = 0
    for job in declared:
        if job.scheduler is None or not job.scheduler.running:
            scheduler.add_job(job.func, *job.args, **job.options)
            count += 1
    return count
