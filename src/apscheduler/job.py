"""Job: what runs, when, and within which limits; the handle a program holds.

A handle is a value that its job store rebuilds on demand: it does not follow what happens to the stored job, except
for the memory store, whose jobs are the handles themselves. Its methods go through the scheduler.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import FunctionType
from typing import TYPE_CHECKING, Any

from apscheduler._callables import look_at, storable
from apscheduler._core.limits import RECORD, RERUN, Limits
from apscheduler._limits import CHECKS, NO_LIMITS, Limit, shared_limits
from apscheduler._notes import noted
from apscheduler.errors import JobUnreadableError
from apscheduler.triggers.base import BaseTrigger
from apscheduler.util import convert_to_datetime, datetime_repr, ref_to_obj

if TYPE_CHECKING:
    from apscheduler.schedulers.base import BaseScheduler

__all__ = ("Job",)

STATE_VERSION = 1


NO_KWARGS: Mapping[str, Any] = {}
"""Those of a job that is given none."""


class CannotRun:
    """Stands for the function of a job that cannot be rebuilt here."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Raise what is wrong with the job."""
        raise JobUnreadableError(self.reason)

    def __repr__(self) -> str:
        return f"<cannot be run here: {self.reason}>"


class Job:
    """A function to call, with its arguments, its trigger and its limits.

    Not made directly: `add_job()` returns it. Every attribute can be read; change them with `modify()`.

    Attributes:
        id: unique within its job store; cannot be changed.
        name: a text for people.
        func: the callable; `func_ref` is its textual reference, or None.
        args: positional arguments, a tuple.
        kwargs: keyword arguments.
        trigger: decides when it runs.
        executor: alias of the executor that runs it.
        next_run_time: an aware datetime; None while the job is paused. Absent while the job is pending.
        misfire_grace_time: seconds that a run may start late, None for any.
        coalesce: whether several due run times are run as one.
        max_instances: how many runs of this job may be in flight at once, over all schedulers of its store.
        on_crash: what becomes of a run that a crash cuts off: "record" it as interrupted, or "rerun" it once.
        limits: the five values above but the times, as one tuple that jobs with the same values share.
    """

    __slots__ = (
        "__weakref__",
        "_jobstore_alias",
        "_kwargs",
        "_scheduler",
        "args",
        "func",
        "func_ref",
        "id",
        "limits",
        "name",
        "next_run_time",
        "trigger",
    )

    id: str
    name: str
    func: Callable[..., Any]
    func_ref: str | None
    args: tuple[Any, ...]
    _kwargs: dict[str, Any] | None
    trigger: BaseTrigger
    next_run_time: datetime | None
    limits: Limits
    executor = Limit[str]("executor", 0)
    misfire_grace_time = Limit[int | None]("misfire_grace_time", 1)
    coalesce = Limit[bool]("coalesce", 2)
    max_instances = Limit[int]("max_instances", 3)
    on_crash = Limit[str]("on_crash", 4)

    def __init__(self, scheduler: BaseScheduler, id: str | None = None, **kwargs: Any) -> None:
        self._scheduler: Any = scheduler
        self._jobstore_alias: str | None = None
        self.id = new_id() if id is None or id == "" else _id(id)
        self.limits = NO_LIMITS
        self._modify(**kwargs)

    @classmethod
    def _made(
        cls,
        scheduler: Any,
        id: str | None,
        call: tuple[Any, ...],
        name: str | None,
        trigger: BaseTrigger,
    ) -> Job:
        """Return a job without limits and next run time; `call` is what `checked_call()` returned."""
        job = cls.__new__(cls)
        job._scheduler = scheduler
        job._jobstore_alias = None
        job.id = id if type(id) is str and id else new_id() if id is None or id == "" else _id(id)
        job.func, job.func_ref, job.args, kwargs, call_name = call
        job._kwargs = kwargs or None
        job.name = call_name if name is None else _name(name)
        job.trigger = trigger
        job.limits = NO_LIMITS
        return job

    @property
    def kwargs(self) -> dict[str, Any]:
        """Keyword arguments for `func`."""
        return {} if self._kwargs is None else self._kwargs

    @kwargs.setter
    def kwargs(self, value: dict[str, Any]) -> None:
        # No dict is kept for a job without keyword arguments, because most jobs have none and there may be millions.
        self._kwargs = value or None

    # -- what a program does with a job -------------------------------------------------------------------------

    def modify(self, **changes: Any) -> Job:
        """Change attributes of this job, or arguments of its trigger (`minutes=5`).

        Returns this handle, brought up to date.

        Raises:
            AttributeError: a name is neither an attribute of the job nor an argument of its trigger.
            JobLookupError: the job is gone.
        """
        self._scheduler.modify_job(self.id, self._jobstore_alias, **changes)
        return self._refresh()

    def reschedule(self, trigger: str | BaseTrigger, **trigger_args: Any) -> Job:
        """Give this job another trigger and compute its next run time from it. Returns this handle."""
        self._scheduler.reschedule_job(self.id, self._jobstore_alias, trigger, **trigger_args)
        return self._refresh()

    def pause(self) -> Job:
        """Stop running this job until `resume()`. Returns this handle."""
        self._scheduler.pause_job(self.id, self._jobstore_alias)
        return self._refresh()

    def resume(self) -> Job:
        """Run this job again, from the next run time after now; it is removed if there is none."""
        self._scheduler.resume_job(self.id, self._jobstore_alias)
        return self._refresh()

    def remove(self) -> None:
        """Remove this job from its store. Runs in flight end by themselves; the records of its runs are kept."""
        self._scheduler.remove_job(self.id, self._jobstore_alias)

    @property
    def pending(self) -> bool:
        """Whether this job still waits for its scheduler to be started, and is in no store yet."""
        return self._jobstore_alias is None

    @property
    def unreadable_reason(self) -> str | None:
        """Why this stored job cannot be rebuilt, and so not be run, in this process; None for any other job."""
        return self.func.reason if isinstance(self.func, CannotRun) else None

    # -- what the scheduler does with it ------------------------------------------------------------------------

    def _copy(self) -> Job:
        """Return another handle with the same attributes, bound to the same scheduler and store."""
        copy = Job.__new__(Job)
        copy._scheduler = self._scheduler
        copy._jobstore_alias = self._jobstore_alias
        copy._assign(self)
        return copy

    def _assign(self, other: Job) -> None:
        """Take over every attribute of `other`."""
        self.id = other.id
        self.name = other.name
        self.func = other.func
        self.func_ref = other.func_ref
        self.args = other.args
        self._kwargs = None if other._kwargs is None else dict(other._kwargs)
        self.trigger = other.trigger
        self.limits = other.limits
        self.next_run_time = other.next_run_time

    def _refresh(self) -> Job:
        stored = self._scheduler.get_job(self.id, self._jobstore_alias)
        if stored is not None and stored is not self:
            self._assign(stored)
        return self

    def _get_run_times(self, now: datetime) -> list[datetime]:
        """Return the run times from the next one up to and including `now`, ascending."""
        times = []
        time = self.next_run_time
        while time is not None and time.astimezone(UTC) <= now.astimezone(UTC):
            times.append(time)
            time = self.trigger.get_next_fire_time(time, now)
        return times

    def _modify(self, **changes: Any) -> None:
        """Check `changes` and, if all of them are right, apply them to this handle only."""
        approved: dict[str, Any] = {}
        for name, value in changes.items():
            check = _CHECKS.get(name)
            if check is not None:
                approved[name] = check(value)
            elif name == "next_run_time":
                approved[name] = convert_to_datetime(value, self._scheduler.timezone, name)
            elif name == "id":
                _id(value)
                raise noted(
                    ValueError("The job ID may not be changed"), f"Remove {self.id}, add it as {value!r}."
                )
            elif name not in _CALL:
                strangers = ", ".join(n for n in changes if n not in MODIFIABLE)
                error = AttributeError(f"The following are not modifiable attributes of Job: {strangers}")
                raise noted(
                    error, f"They are no arguments of its trigger either: {getattr(self, 'trigger', None)}."
                )
        if "func" in changes or "args" in changes or "kwargs" in changes:
            call = checked_call(
                changes["func"] if "func" in changes else self.func,
                changes["args"] if "args" in changes else self.args,
                changes["kwargs"] if "kwargs" in changes else self.kwargs,
            )
            approved["func"], approved["func_ref"], approved["args"], approved["kwargs"], name = call
            if "func" not in changes:
                approved["func_ref"] = self.func_ref  # of a function given by name: that name, and no other
            if "name" in changes:
                approved["name"] = name if changes["name"] is None else _name(changes["name"])
        elif "name" in changes:
            approved["name"] = _name(changes["name"])
        for name, value in approved.items():
            setattr(self, name, value)

    # -- its stored form ----------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """Return the stored form: that of 3.x (version 1), plus keys that 3.x reads past."""
        try:
            call = storable(self.func, self.func_ref, self.args, self.kwargs)
        except ValueError as exc:
            raise ValueError(
                f"This Job cannot be serialized since the reference to its callable could not be determined: {exc}."
                " Consider giving a textual reference (module:function name) instead."
            ) from exc
        state = {
            "version": STATE_VERSION,
            "id": self.id,
            "func": call.ref,
            "trigger": self.trigger,
            "executor": self.executor,
            "args": call.args,
            "kwargs": dict(call.kwargs),
            "name": self.name,
            "misfire_grace_time": self.misfire_grace_time,
            "coalesce": self.coalesce,
            "max_instances": self.max_instances,
            "next_run_time": self.next_run_time,
        }
        if self.limits.on_crash == RERUN:  # which 3.x does not know, and reads past
            state["on_crash"] = self.on_crash
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        version = state.get("version", 1)
        if version > STATE_VERSION:
            raise ValueError(f"Job has version {version}, but only version {STATE_VERSION} can be handled")
        self.id = state["id"]
        self.func_ref = state["func"]
        self.func = ref_to_obj(state["func"])
        self.trigger = state["trigger"]
        self.args = state["args"]
        self.kwargs = state["kwargs"]
        self.name = state["name"]
        self.limits = shared_limits(
            state["executor"],
            state["misfire_grace_time"],
            state["coalesce"],
            state["max_instances"],
            state.get("on_crash", RECORD),
        )
        self.next_run_time = state["next_run_time"]

    # -- how it looks -------------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        return self.id == other.id if isinstance(other, Job) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as in 3.x: equal by id, and the id alone is no identity

    def __repr__(self) -> str:
        return f"<Job (id={self.id} name={self.name})>"

    def __str__(self) -> str:
        if not hasattr(self, "next_run_time"):
            status = "pending"
        elif isinstance(self.func, CannotRun):
            status = f"set aside: {self.func.reason}"
        elif self.next_run_time is None:
            status = "paused"
        else:
            status = f"next run at: {datetime_repr(self.next_run_time)}"
        return f"{self.name} (trigger: {self.trigger}, {status})"


def new_id() -> str:
    """Return an id that no other job has: 32 hexadecimal digits."""
    return os.urandom(16).hex()


def checked_call(
    func: Any, args: Any, kwargs: Any
) -> tuple[Callable[..., Any], str | None, tuple[Any, ...], dict[str, Any], str]:
    """Return a callable, its reference, its arguments and its name, which fit each other.

    Raises:
        LookupError: `func` is a text that leads nowhere.
        TypeError: one of them is of a wrong kind.
        ValueError: the arguments do not fit the callable.
    """
    func_ref: str | None = None
    if type(func) is not FunctionType:  # as most are
        func, func_ref = _callable(func)
    if type(args) is not tuple:
        if isinstance(args, str) or not isinstance(args, Iterable):
            raise TypeError(f"args must be a list or tuple of positional arguments, got {args!r}")
        args = tuple(args)
    if kwargs is not NO_KWARGS:
        if not isinstance(kwargs, Mapping):
            raise TypeError(f"kwargs must be a dict of keyword arguments, got {kwargs!r}")
        kwargs = dict(kwargs)
    looked = look_at(func)
    own_ref = looked.fit(func, args, kwargs)
    return func, own_ref if func_ref is None else func_ref, args, kwargs, looked.name


def _callable(func: Any) -> tuple[Callable[..., Any], str | None]:
    """Return a callable, and the reference that it was given by, or None."""
    if isinstance(func, str):
        if ":" not in func:
            raise ValueError(
                f"Invalid reference: {func!r}; write it as 'package.module:name', before the trigger"
            )
        found = ref_to_obj(func)
        if not callable(found):
            raise TypeError(f"func: {func} leads to {found!r}, which cannot be called")
        return found, func
    if not callable(func):
        raise TypeError(
            f"func must be a callable or a textual reference to one, got {func!r}: write f, not f()"
        )
    return func, None


def _id(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"id must be a nonempty string, got {value!r}")
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"name must be a nonempty string, got {value!r}")
    return value


def _trigger(value: Any) -> BaseTrigger:
    if not isinstance(value, BaseTrigger):
        raise TypeError(f"Expected a trigger instance, got {type(value).__name__} instead")
    return value


_CALL = frozenset({"func", "args", "kwargs", "name"})
_CHECKS: dict[str, Callable[[Any], Any]] = {
    **CHECKS,
    "trigger": _trigger,
}

MODIFIABLE = frozenset({*_CHECKS, *_CALL, "id", "next_run_time"})
"""What `modify()` takes beside arguments of the trigger; `id` only to say that it cannot be changed."""
