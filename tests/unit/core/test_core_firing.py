"""Which run times have come, and what comes after them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apscheduler._core.firing import MOST_COALESCED, next_after, plan
from apscheduler.errors import TriggerStuckError

START = datetime(2030, 1, 1, tzinfo=UTC)


class Every:
    def __init__(self, seconds, last=None):
        self.step, self.last = timedelta(seconds=seconds), last

    def get_next_fire_time(self, previous_fire_time, now):
        then = previous_fire_time + self.step
        return None if self.last is not None and then > self.last else then


def at(seconds):
    return START + timedelta(seconds=seconds)


def planned(trigger, due, now, coalesce):
    after = next_after(trigger, due, due.timestamp(), now)
    return plan(trigger, due, due.timestamp(), now, now.timestamp(), coalesce=coalesce, after=after)


@pytest.mark.parametrize("coalesce", [True, False])
def test_one_time_that_has_come_is_run_and_the_next_is_known(coalesce):
    p = planned(Every(10), at(0), at(9.9), coalesce)
    assert (p.times, p.stamps) == ((at(0),), (at(0).timestamp(),))
    assert (p.then, p.then_stamp) == (at(10), at(10).timestamp())
    assert (p.coalesced, p.uncounted) == ((), 0)


def test_a_time_that_is_now_has_come():
    assert planned(Every(10), at(0), at(10), False).times == (at(0), at(10))


def test_after_the_last_time_comes_nothing():
    p = planned(Every(10, last=at(20)), at(0), at(100), False)
    assert (p.times, p.then, p.then_stamp) == ((at(0), at(10), at(20)), None, None)


def test_coalesced_times_are_run_as_the_last_of_them():
    p = planned(Every(10), at(0), at(35), True)
    assert p.times == (at(30),)
    assert p.coalesced == tuple(at(s).timestamp() for s in (0, 10, 20))
    assert p.then == at(40)


def test_of_a_long_row_of_coalesced_times_only_the_newest_are_kept():
    p = planned(Every(1), at(0), at(1000), True)
    assert len(p.coalesced) == MOST_COALESCED
    assert p.coalesced[-1] == at(999).timestamp()
    assert p.uncounted == 1000 - MOST_COALESCED


@given(st.integers(1, 50), st.integers(0, 3000), st.booleans())
def test_no_time_is_lost_or_run_twice(step, elapsed, coalesce):
    p = planned(Every(step), at(0), at(elapsed), coalesce)
    all_of_them = [at(s).timestamp() for s in range(0, elapsed + 1, step)]
    if coalesce:
        assert p.uncounted + len(p.coalesced) + 1 == len(all_of_them)
        assert [*p.coalesced, *p.stamps] == all_of_them[p.uncounted :]
    else:
        assert list(p.stamps) == all_of_them
    assert p.then > at(elapsed)
    assert [time.timestamp() for time in p.times] == list(p.stamps)


@pytest.mark.parametrize("answer", [at(0), at(-10)])
def test_a_trigger_that_does_not_move_on_is_an_error(answer):
    class Stuck:
        def get_next_fire_time(self, previous_fire_time, now):
            return answer

    with pytest.raises(TriggerStuckError, match="must return a later time, or None"):
        planned(Stuck(), at(0), at(5), True)


def test_instants_are_compared_where_the_clock_is_set_back():
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2030, 10, 27, 2, 30, tzinfo=berlin)
    second = first.replace(fold=1)

    class Twice:
        def get_next_fire_time(self, previous_fire_time, now):
            return second if previous_fire_time.fold == 0 else None

    assert second == first  # by wall clock
    p = planned(Twice(), first, second, False)
    assert p.stamps == (first.timestamp(), first.timestamp() + 3600)
