"""Many due jobs and several schedulers: each takes a share of its own, and the shares of those that are gone."""

from __future__ import annotations

import pytest
from _fault_parts import RAN, beat, note, slot_of, statuses, watch

MANY = 1300


@pytest.fixture
def pair(start, open_store):
    first, second = start(open_store()), start(open_store())
    for scheduler in (first, second, first):
        beat(scheduler)
    return first, second


def add(scheduler, count=MANY):
    now = scheduler.clock.now()
    scheduler.add_jobs(
        {
            "func": note,
            "trigger": "date",
            "run_date": now,
            "args": [n],
            "id": f"{n}",
            "misfire_grace_time": None,
        }
        for n in range(count)
    )


def hears_and_works(scheduler):
    beat(scheduler)
    scheduler.turn()


def claimed(scheduler):
    return slot_of(scheduler).store.calls.count("claim")


@pytest.mark.parametrize("open_store", ["sqlite"], indirect=True)
def test_two_schedulers_that_work_at_the_same_time_do_not_lose_to_each_other(pair):
    first, second = pair
    add(first)
    stores = [slot_of(scheduler).store for scheduler in pair]
    won = []
    for store in stores:
        claim = store.store.claim
        store.store.claim = (
            lambda node, claims, claim=claim: won.append((len(claims), len(found := claim(node, claims))))
            or found
        )
    stores[0].before(
        "claim", lambda: hears_and_works(second)
    )  # between what the first has read and what it claims
    first.turn()
    first.pass_time(1)
    assert sorted(RAN) == list(range(MANY))
    assert statuses(first) == ["succeeded"] * MANY
    assert all(asked == got for asked, got in won[:2])
    assert sum(asked - got for asked, got in won) < MANY / 4


@pytest.mark.parametrize("count", [60, MANY])
def test_who_has_run_its_share_runs_those_of_a_scheduler_that_does_not(pair, count):
    first, _ = pair  # the other one makes no turn
    add(first, count)
    first.pass_time(1, steps=3)
    assert sorted(RAN) == list(range(count))


def test_who_is_alone_again_takes_all_at_once(pair):
    first, second = pair
    watch(first)
    assert slot_of(first).share.parts == 1
    del second
    add(first, 400)
    before = claimed(first)
    first.turn()
    assert len(RAN) == 400
    assert claimed(first) == before + 1


def test_schedulers_that_do_not_know_of_each_other_find_out_when_they_lose(start, open_store):
    first, second = start(open_store()), start(open_store())
    slot = slot_of(first)
    assert slot.share.parts == 1
    add(first)
    slot.store.before("claim", lambda: hears_and_works(second))
    first.turn()
    assert slot.share.parts == 2
    first.pass_time(1, steps=3)
    assert sorted(RAN) == list(range(MANY))
