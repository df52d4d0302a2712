"""Schedules of two nodes that races would hit once in a million, made to happen.

Whatever another node does comes between two steps of the first one's turn.
"""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from _fault_parts import LONG, RAN, RETRY, Held, beat, note, slot_of, statuses, watch

from apscheduler.events import EVENT_JOB_INTERRUPTED


@pytest.fixture
def pair(start, open_store):
    """Two schedulers on one store, and the store of the first, for hooks."""
    store = open_store()
    first, second = start(store), start(open_store())
    beat(first)
    beat(second)
    return first, second, store


def a_due_job(scheduler, value="a", **options):
    scheduler.add_job(note, "interval", seconds=60, args=[value], id="j", misfire_grace_time=None, **options)
    scheduler.clock.advance(seconds=60)


def test_a_stale_reader_loses_to_who_has_fired_since(pair):
    first, second, store = pair
    a_due_job(first)
    store.before("claim", second.turn)
    first.turn()
    assert RAN == ["a"]
    assert statuses(first) == ["succeeded"]


def test_a_stale_reader_loses_also_where_the_job_was_removed_and_added_again_as_it_was(pair):
    """What it compares must not come back: ABA."""
    first, second, store = pair
    a_due_job(first, "old")

    def remove_and_add():
        at = second.get_job("j").next_run_time
        second.remove_job("j")
        second.add_job(
            note, "interval", seconds=60, args=["new"], id="j", next_run_time=at, misfire_grace_time=None
        )

    store.before("claim", remove_and_add)
    first.turn()
    first.pass_time(1)
    assert RAN == ["new"]
    assert statuses(first) == ["succeeded"]


def test_a_stale_reader_loses_where_the_job_has_fired_been_removed_and_added_again(pair):
    first, second, store = pair
    a_due_job(first, "old")

    def fire_remove_and_add():
        at = second.get_job("j").next_run_time
        second.turn()
        second.remove_job("j")
        second.add_job(
            note, "interval", seconds=60, args=["new"], id="j", next_run_time=at, misfire_grace_time=None
        )

    store.before("claim", fire_remove_and_add)
    first.turn()
    first.pass_time(1)
    assert RAN == ["old", "new"]  # two jobs of that name, each once
    assert statuses(first) == ["succeeded"] * 2


def test_a_job_that_is_modified_between_read_and_claim_runs_as_it_is_then(pair):
    first, second, store = pair
    a_due_job(first, "old")
    store.before("claim", lambda: second.modify_job("j", args=["new"]))
    first.turn()
    first.pass_time(1)
    assert RAN == ["new"]
    assert statuses(first) == ["succeeded"]


@pytest.mark.parametrize("change", ["pause_job", "remove_job"])
def test_a_job_that_is_paused_or_removed_between_read_and_claim_does_not_run(pair, change):
    first, second, store = pair
    a_due_job(first)
    store.before("claim", lambda: getattr(second, change)("j"))
    first.turn()
    first.pass_time(60, steps=3)
    assert RAN == []
    assert statuses(first) == []
    if change == "pause_job":
        first.resume_job("j")
        first.pass_time(60)
        assert RAN == ["a"]


def test_a_job_that_is_rescheduled_between_read_and_claim_follows_its_new_trigger(pair):
    first, second, store = pair
    a_due_job(first)
    store.before("claim", lambda: second.reschedule_job("j", trigger="interval", hours=1))
    first.turn()
    first.pass_time(60, steps=59)
    assert RAN == []
    first.pass_time(60)
    assert RAN == ["a"]


def test_a_job_that_a_program_added_and_left_behind_is_noticed_with_the_next_beat(start, open_store):
    """It has come and gone between two beats, so nobody has seen it as a node."""
    lonely = start(open_store())
    lonely.turn()
    visitor = start(open_store())
    visitor.add_job(note, "interval", seconds=5, args=["a"], id="j", misfire_grace_time=None)
    visitor.shutdown()
    lonely.clock.advance(seconds=10)
    asked = lonely.wakeups
    beat(lonely)
    assert lonely.wakeups > asked
    lonely.turn()
    assert RAN == ["a"]


def test_a_change_that_races_with_a_firing_undoes_neither(pair):
    first, second, store = pair
    a_due_job(second, "old")
    store.after("read_job", second.turn)  # between the reading and the writing of the change
    first.modify_job("j", args=["new"])
    assert RAN == ["old"]
    for scheduler in (first, second):
        scheduler.turn()
    assert RAN == ["old"]
    first.pass_time(60)
    assert RAN == ["old", "new"]


def test_of_a_batch_the_claims_that_are_lost_drop_out_and_the_others_are_submitted(pair):
    first, second, store = pair
    soon = first.clock.now() + timedelta(seconds=1)
    for number in range(50):
        first.add_job(note, "date", run_date=soon, args=[number], id=f"{number}", misfire_grace_time=None)

    def remove_some():
        for number in range(0, 50, 3):
            second.remove_job(f"{number}")

    store.before("claim", remove_some)
    first.pass_time(1)
    first.pass_time(0.3)  # after which it takes what it has left to the other
    assert sorted(RAN) == [number for number in range(50) if number % 3]
    assert statuses(first) == ["succeeded"] * len(RAN)


def test_room_is_counted_in_the_same_breath_as_it_is_taken(pair):
    """Two nodes that both read that a job has room do not both take it."""
    first, second, store = pair
    held = Held()
    for scheduler in (first, second):
        scheduler.add_executor(held, "held")
    a_due_job(first, executor="held", max_instances=1)
    store.before("claim", second.turn)
    first.turn()
    first.pass_time(60)
    second.turn()
    assert len(held.held) == 1
    assert sorted(statuses(first)) == ["running", "skipped"]


# -- dead and half-dead nodes ---------------------------------------------------------------------------------------------


@pytest.fixture
def cut_off(pair):
    """The pair, after the first has won a run and then come to a standstill for longer than its lease."""
    first, second, _ = pair
    held = Held()
    for scheduler in pair[:2]:
        scheduler.add_executor(held, "held")
    a_due_job(first, executor="held")
    first.turn()
    assert len(held.held) == 1
    beat(second)
    watch(second)
    return *pair, held


def test_a_late_outcome_does_not_overwrite_that_the_run_was_taken_over(cut_off):
    first, second, _, held = cut_off
    assert statuses(second) == ["interrupted"]
    [before] = second.get_runs("j")
    held.end_all()
    first.turn()
    second.turn()
    runs = second.get_runs("j", limit=None)
    assert runs[-1] == before
    assert EVENT_JOB_INTERRUPTED in second.recorder.codes


def test_a_node_that_comes_back_is_a_node_again_and_fires_again(cut_off):
    first, second, _, held = cut_off
    beat(first)
    assert {node.id for node in first.get_nodes()} == {s._engine.node.id for s in (first, second)}
    held.end_all()
    second.shutdown()
    first.turn()
    assert len(held.held) == 1


def test_two_nodes_that_bury_the_same_dead_node_tell_of_each_run_once(pair, start, open_store):
    first, second, _ = pair
    third = start(open_store())
    held = Held()
    first.add_executor(held, "held")
    a_due_job(first, executor="held")
    first.turn()
    for scheduler in (second, third):
        beat(scheduler)
    watch(second, LONG / 2)
    watch(third, LONG / 4)
    second.clock.advance(seconds=LONG / 2)
    slot_of(second).store.before("take_over", lambda: beat(third))
    beat(second)
    codes = second.recorder.codes + third.recorder.codes
    assert codes.count(EVENT_JOB_INTERRUPTED) == 1
    assert statuses(second) == ["interrupted"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_take_over_whose_commit_is_unclear_is_done_with_the_next_beat(pair, when):
    first, second, _ = pair
    held = Held()
    first.add_executor(held, "held")
    a_due_job(first, executor="held")
    first.turn()
    beat(second)
    watch(second, LONG / 2)
    second.clock.advance(seconds=LONG / 2)
    getattr(slot_of(second).store, when)("take_over")
    beat(second)
    beat(second)
    assert statuses(second) == ["interrupted"]
    assert [node.id for node in second.get_nodes()] == [second._engine.node.id]


def test_what_a_node_claims_after_it_was_buried_is_taken_over_when_it_dies_before_its_next_beat(cut_off):
    """It was frozen, taken for dead, woke, claimed, and was killed: no row tells of it, only its run does."""
    first, second, _, held = cut_off
    assert [node.id for node in second.get_nodes()] == [second._engine.node.id]
    held.held.clear()
    first.turn()
    assert len(held.held) == 1
    assert statuses(second)[-1] == "running"
    beat(second)
    watch(second)
    assert "running" not in statuses(second)
    second.pass_time(60)
    assert statuses(second)[-1] == "running"  # there is room again
    assert len(held.held) == 2


def test_a_beat_that_is_late_because_the_store_is_slow_does_not_bury_the_living(pair):
    first, second, store = pair
    entered, go_on = threading.Event(), threading.Event()

    def hang():
        entered.set()
        assert go_on.wait(20)

    store.before("heartbeat", hang)
    thread = threading.Thread(target=beat, args=[first])
    thread.start()
    assert entered.wait(20)
    second.clock.advance(seconds=LONG / 2)
    beat(second)
    go_on.set()
    thread.join()
    second.clock.advance(seconds=LONG / 2 + 1)
    beat(second)
    assert len(second.get_nodes()) == 2


def test_after_an_outage_for_all_that_was_longer_than_a_lease_nobody_buries_the_living(pair):
    first, second, store = pair
    stores = store, slot_of(second).store
    held = Held()
    first.add_executor(held, "held")
    a_due_job(first, executor="held", on_crash="rerun")
    first.turn()
    for scheduler in (first, second):
        beat(scheduler)
    for each in stores:
        each.go_down()
    for _ in range(6):
        first.clock.advance(seconds=LONG / 3)
        beat(first)
        beat(second)
    for each in stores:
        each.come_back()
    beat(second)  # the first one beats again a little later
    assert statuses(second) == ["running"]
    second.clock.advance(seconds=LONG / 3)
    beat(first)
    beat(second)
    assert statuses(second) == ["running"]
    assert len(second.get_nodes()) == 2


def test_a_node_that_was_buried_in_an_outage_finds_its_claims_lost_and_goes_on(pair):
    first, second, store = pair
    a_due_job(first)
    store.after("claim")
    first.turn()
    beat(second)
    store.go_down()
    watch(second)
    store.come_back()
    beat(first)
    first.pass_time(RETRY)
    assert statuses(first)[0] == "interrupted"
    assert statuses(first).count("succeeded") == len(RAN) == 1
