"""Triggers made of triggers: whenever one of them fires, or only when all of them do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.errors import TriggerSearchError
from apscheduler.triggers.base import BaseTrigger, checked_jitter
from apscheduler.util import obj_to_ref, ref_to_obj

_MICROSECOND = timedelta(microseconds=1)

MOST_ROUNDS = 20_000
"""How many times the children of an `AndTrigger` may be asked to catch up with each other for one fire time."""


class BaseCombiningTrigger(BaseTrigger):
    """Base of the triggers that combine others.

    Args:
        triggers: the triggers to combine; kept as they are given.
        jitter: delays each fire time by a random part of this many seconds.
    """

    __slots__ = ("jitter", "triggers")

    def __init__(self, triggers: Sequence[BaseTrigger], jitter: float | None = None) -> None:
        for trigger in triggers:
            if not hasattr(trigger, "get_next_fire_time"):
                raise TypeError(
                    f"{type(self).__name__} combines triggers, got {trigger!r}: give instances such as"
                    " CronTrigger(day=13)"
                )
        self.triggers = triggers
        self.jitter = checked_jitter(jitter)

    def __getstate__(self) -> dict[str, Any]:
        return {
            "version": 1,
            "triggers": [(obj_to_ref(type(trigger)), trigger.__getstate__()) for trigger in self.triggers],
            "jitter": self.jitter,
        }

    def __setstate__(self, state: Any) -> None:
        version = state.get("version", 1)
        if version > 1:
            raise ValueError(
                f"Got serialized data for version {version} of {type(self).__name__},"
                " but only versions up to 1 can be handled; it was written by a newer release"
            )
        self.jitter = state["jitter"]
        self.triggers = [_rebuild(ref, child) for ref, child in state["triggers"]]

    def __repr__(self) -> str:
        jitter = f", jitter={self.jitter}" if self.jitter else ""
        return f"<{type(self).__name__}({self.triggers}{jitter})>"


class AndTrigger(BaseCombiningTrigger):
    """Fires at the instants at which all of the given triggers fire; ends when one of them ends.

    Triggers with a jitter of their own practically never agree: give the jitter to the `AndTrigger`.

    Args:
        triggers: the triggers to combine.
        jitter: delays each fire time by a random part of this many seconds.
    """

    __slots__ = ()

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return the next instant that all triggers share.

        A trigger that lags behind the latest one is asked for its first fire time from that one on, or, where it
        answers with an earlier one, for its next.

        Raises:
            TriggerSearchError: where `MOST_ROUNDS` such questions did not lead to an agreement.
            ValueError: where there are no triggers.
        """
        if not self.triggers:
            raise ValueError("An AndTrigger needs at least one trigger")
        times: list[datetime] = []
        for trigger in self.triggers:
            fire = trigger.get_next_fire_time(previous_fire_time, now)
            if fire is None:
                return None
            times.append(fire)
        instants = [_instant(fire) for fire in times]
        if previous_fire_time is not None and len(set(instants)) > 1:
            # The time before need not be one at which each of the triggers fires by itself (a job may have been run
            # at another time): those that count from their own start are asked to.
            for index, trigger in enumerate(self.triggers):
                fire = trigger.get_next_fire_time(None, previous_fire_time + _MICROSECOND)
                if fire is not None and _instant(fire) > _instant(previous_fire_time):
                    times[index], instants[index] = fire, _instant(fire)
        for _ in range(MOST_ROUNDS):
            latest = max(instants)
            lagging = min(range(len(instants)), key=instants.__getitem__)
            if instants[lagging] == latest:
                return self._apply_jitter(times[0], self.jitter, now)
            following = _catch_up(self.triggers[lagging], times[lagging], times[instants.index(latest)])
            if following is None:
                return None
            times[lagging], instants[lagging] = following, _instant(following)
        raise TriggerSearchError(
            f"The triggers of {self} did not agree on a fire time in {MOST_ROUNDS} rounds, from {now.isoformat()}"
            f" to {max(instants).isoformat()}. Check that their times can be equal to the microsecond: intervals"
            " need start dates that let them meet, and jitter belongs to the AndTrigger"
        )

    def __str__(self) -> str:
        return f"and[{', '.join(map(str, self.triggers))}]"


class OrTrigger(BaseCombiningTrigger):
    """Fires whenever one of the given triggers does; ends when all of them have ended.

    All of them are told the last fire time of the `OrTrigger`, as in 3.x: an interval counts from there.

    Args:
        triggers: the triggers to combine.
        jitter: delays each fire time by a random part of this many seconds.
    """

    __slots__ = ()

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return the earliest of the triggers' next fire times, None where none of them has one."""
        times = (trigger.get_next_fire_time(previous_fire_time, now) for trigger in self.triggers)
        # In UTC, because times that share a zone compare by wall clock.
        earliest = min((fire for fire in times if fire is not None), key=_instant, default=None)
        return self._apply_jitter(earliest, self.jitter, now)

    def __str__(self) -> str:
        return f"or[{', '.join(map(str, self.triggers))}]"


def _instant(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _catch_up(trigger: BaseTrigger, last: datetime, target: datetime) -> datetime | None:
    """Return a fire time of `trigger` after `last`, if it can tell the first one from `target` on; None at its end."""
    # Asked as if it had never fired, because some triggers count from the last fire time whatever `now` is.
    following = trigger.get_next_fire_time(None, target)
    if following is None or _instant(following) >= _instant(target):
        return following
    following = trigger.get_next_fire_time(last, target)
    if following is not None and _instant(following) <= _instant(last):
        raise TriggerSearchError(
            f"The trigger {trigger} answered {following.isoformat()} as the fire time after {last.isoformat()},"
            " so the AndTrigger that holds it cannot go on: get_next_fire_time() must return a later time, or None"
        )
    return following


def _rebuild(ref: str, state: Any) -> BaseTrigger:
    """Return the trigger of a class and what its `__getstate__()` returned, as unpickling it would."""
    cls = ref_to_obj(ref)
    trigger: BaseTrigger = cls.__new__(cls)
    if hasattr(trigger, "__setstate__"):
        trigger.__setstate__(state)
        return trigger
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    for name, value in {**(attributes or {}), **(slots or {})}.items():
        setattr(trigger, name, value)
    return trigger
