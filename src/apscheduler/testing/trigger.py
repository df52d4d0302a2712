"""The contract that every trigger keeps, as tests to inherit.

    class TestMyTrigger(TriggerContract):
        def make_trigger(self):
            return MyTrigger("every full moon")

Time is handed in, so nothing sleeps. The times asked about lie around the clock changes of `zones`, because that is
where triggers go wrong.
"""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger


class TriggerContract:
    """Tests of one trigger; subclass it, override `make_trigger()`, and have pytest collect the subclass."""

    zones: tuple[tzinfo, ...] = (
        UTC,
        ZoneInfo("Europe/Berlin"),
        ZoneInfo("America/New_York"),
        ZoneInfo("Australia/Lord_Howe"),
        ZoneInfo("America/Sao_Paulo"),
    )
    """The zones in which `now` is given."""

    starts: tuple[datetime, ...] = (
        datetime(2018, 11, 3, 20, 0, tzinfo=UTC),
        datetime(2027, 2, 28, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2027, 3, 27, 22, 0, tzinfo=UTC),
        datetime(2027, 10, 30, 23, 59, 59, tzinfo=UTC),
    )
    """The times at which a chain of fire times is begun."""

    is_random = False
    """Set this where two equal triggers may answer differently (jitter): answers are then not compared."""

    length = 60
    """How many fire times of each chain are looked at."""

    def make_trigger(self) -> BaseTrigger:
        """Return a new trigger, equal to the one that the last call returned."""
        raise NotImplementedError("override make_trigger() in the subclass of TriggerContract")

    def chain(self, trigger: BaseTrigger, now: datetime) -> list[datetime]:
        """Return the first fire times of a trigger that is asked again as soon as it has fired."""
        fires: list[datetime] = []
        previous: datetime | None = None
        while len(fires) < self.length:
            previous = trigger.get_next_fire_time(previous, now)
            if previous is None:
                break
            fires.append(previous)
            now = max(now, previous, key=lambda moment: moment.astimezone(UTC))
        return fires

    def test_every_fire_time_is_an_aware_datetime(self) -> None:
        """None, or a time that says its zone."""
        for now in self._nows():
            for fire in self.chain(self.make_trigger(), now):
                assert isinstance(fire, datetime)
                assert fire.utcoffset() is not None, f"{fire!r} has no time zone"

    def test_fire_times_strictly_increase_in_utc(self) -> None:
        """No instant comes twice and none goes back, whatever the clock of a zone does in between."""
        for now in self._nows():
            fires = self.chain(self.make_trigger(), now)
            for one, other in pairwise(fires):
                assert one.astimezone(UTC) < other.astimezone(UTC), f"{other!r} came after {one!r}"

    def test_every_fire_time_exists_on_the_clock_of_its_zone(self) -> None:
        """A wall time that a clock change skips is not a fire time."""
        for now in self._nows():
            for fire in self.chain(self.make_trigger(), now):
                shown = fire.astimezone(UTC).astimezone(fire.tzinfo)
                assert shown.replace(tzinfo=None) == fire.replace(tzinfo=None), f"{fire!r} is skipped"

    def test_a_first_fire_time_that_is_told_at_once_is_the_one_that_asking_gives(self) -> None:
        """A new job takes the first without the second, where there is one."""
        trigger = self.make_trigger()
        first = trigger.first_fire_time()
        assert first is None or trigger.get_next_fire_time(None, first) == first

    def test_the_next_fire_time_is_later_also_when_asked_late(self) -> None:
        """A scheduler that was down asks with a `now` long after the time before."""
        for now in self._nows():
            trigger = self.make_trigger()
            first = trigger.get_next_fire_time(None, now)
            if first is None:
                continue
            following = trigger.get_next_fire_time(first, now + timedelta(days=400))
            assert following is None or following.astimezone(UTC) > first.astimezone(UTC)

    def test_a_copy_by_pickle_fires_at_the_same_times(self) -> None:
        """A job store may be read by another process."""
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            trigger = self.make_trigger()
            copy = pickle.loads(pickle.dumps(trigger, protocol))
            assert type(copy) is type(trigger)
            assert repr(copy) == repr(trigger)
            for now in () if self.is_random else self._nows():
                assert self._instants(copy, now) == self._instants(trigger, now)

    def test_asking_changes_nothing(self) -> None:
        """Another process, or this one after a restart, asks the same question and needs the same answer."""
        for now in () if self.is_random else self._nows():
            trigger = self.make_trigger()
            assert self._instants(trigger, now) == self._instants(trigger, now)

    def test_repr_and_str_are_texts_of_one_line(self) -> None:
        """They are shown in lists of jobs and in log messages."""
        for text in (repr(self.make_trigger()), str(self.make_trigger())):
            assert isinstance(text, str)
            assert text
            assert "\n" not in text

    def _nows(self) -> list[datetime]:
        return [start.astimezone(zone) for zone in self.zones for start in self.starts]

    def _instants(self, trigger: BaseTrigger, now: datetime) -> list[datetime]:
        return [fire.astimezone(UTC) for fire in self.chain(trigger, now)[:10]]
