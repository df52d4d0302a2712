"""Adding jobs: every argument of `add_job()`, the decorator, many at once, ids that are taken."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from functools import partial

import _scheduler_parts as parts
import pytest
from _scheduler_parts import RAN, Every, Held, Notes, note, two

from apscheduler.errors import ConflictingIdError
from apscheduler.events import EVENT_JOB_ADDED, EVENT_JOB_MODIFIED, EVENT_JOB_REMOVED
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.testing.manual import ManualScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger


@pytest.fixture(autouse=True)
def _clean():
    RAN.clear()


def local():
    RAN.append("local")


# -- what to call -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("func", "ran", "name"),
    [
        (note, "x", "note"),
        ("_scheduler_parts:note", "x", "note"),
        ("_scheduler_parts:Notes.static", ("static", "x"), "Notes.static"),
        (Notes("one").plain, ("one", "x"), "Notes.plain"),
        (Notes.of_class, ("Notes", "x"), "Notes.of_class"),
        (Notes.static, ("static", "x"), "Notes.static"),
        (Notes("one"), ("called", "x"), "Notes"),
        (partial(note), "x", "note"),
        (lambda value: RAN.append(value), "x", "<lambda>"),
        (RAN.append, "x", "list.append"),
    ],
    ids=[
        "function",
        "text",
        "text of a method",
        "bound",
        "class",
        "static",
        "object",
        "partial",
        "lambda",
        "builtin",
    ],
)
def test_everything_that_can_be_called_can_be_a_job(scheduler, func, ran, name):
    job = scheduler.add_job(func, args=["x"])
    scheduler.turn()
    assert RAN == [ran]
    assert job.name == name


def test_a_partial_brings_its_own_arguments(scheduler):
    scheduler.add_job(partial(two, 1, two=2))
    scheduler.turn()
    assert RAN == [(1, 2)]


def test_a_function_defined_inside_another_is_a_job_in_the_memory_store(scheduler):
    def inner():
        RAN.append("inner")

    scheduler.add_job(inner)
    scheduler.turn()
    assert RAN == ["inner"]


@pytest.mark.parametrize(
    ("func", "error", "message"),
    [
        (1, TypeError, "callable or a textual reference"),
        (None, TypeError, "callable or a textual reference"),
        ("nocolon", ValueError, "Invalid reference"),
        ("no.such:thing", LookupError, "could not import module"),
        ("_scheduler_parts:nothing_there", LookupError, "error looking up object"),
        ("_scheduler_parts:PATIENCE", TypeError, "cannot be called"),
    ],
)
def test_what_cannot_be_called_is_refused_with_its_name(scheduler, func, error, message):
    with pytest.raises(error, match=message):
        scheduler.add_job(func)
    assert scheduler.get_jobs() == []


# -- the arguments of the function ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "args", [[1, 2], (1, 2), iter([1, 2]), range(1, 3)], ids=["list", "tuple", "iterator", "range"]
)
def test_arguments_are_kept_as_a_tuple(scheduler, args):
    job = scheduler.add_job(two, args=args)
    assert job.args == (1, 2)
    scheduler.turn()
    assert RAN == [(1, 2)]


def test_keyword_arguments_are_kept_as_a_copy(scheduler):
    given = {"two": 2}
    job = scheduler.add_job(two, args=[1], kwargs=given)
    given["two"] = 3
    assert job.kwargs == {"two": 2}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "have not been supplied: one"),
        ({"args": [1, 2, 3]}, "longer than the target callable can handle"),
        ({"args": [1], "kwargs": {"three": 3}}, "does not accept the following keyword arguments: three"),
        ({"args": [1], "kwargs": {"one": 1}}, "both args and kwargs: one"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_when_the_job_is_added(scheduler, arguments, message):
    with pytest.raises(ValueError, match=message):
        scheduler.add_job(two, **arguments)


@pytest.mark.parametrize("arguments", [{"args": 5}, {"args": "text"}, {"kwargs": 5}, {"kwargs": "ab"}])
def test_arguments_of_a_wrong_kind_are_refused(scheduler, arguments):
    with pytest.raises(TypeError, match=next(iter(arguments))):
        scheduler.add_job(note, **arguments)


# -- when to call it ------------------------------------------------------------------------------------------------


def test_without_a_trigger_a_job_runs_once_now(scheduler):
    scheduler.add_job(note, args=["now"])
    scheduler.turn()
    assert RAN == ["now"]
    assert scheduler.get_jobs() == []


@pytest.mark.parametrize(
    ("trigger", "arguments", "kind", "seconds"),
    [
        ("date", {"run_date": "2030-01-01 00:00:07"}, DateTrigger, 7),
        ("date", {"run_date": datetime(2030, 1, 1, 0, 0, 7)}, DateTrigger, 7),
        ("date", {"run_date": date(2030, 1, 2)}, DateTrigger, 86400),
        ("interval", {"minutes": 2, "start_date": "2030-01-01 00:01:00"}, IntervalTrigger, 60),
        ("cron", {"minute": "*/10", "second": 5}, CronTrigger, 5),
        (DateTrigger(datetime(2030, 1, 1, 0, 0, 9, tzinfo=UTC)), {}, DateTrigger, 9),
        (Every(11), {}, Every, 11),
    ],
)
def test_triggers_are_given_by_name_or_as_instances(scheduler, trigger, arguments, kind, seconds):
    job = scheduler.add_job(note, trigger, **arguments)
    assert type(job.trigger) is kind
    assert job.next_run_time == scheduler.clock.now() + timedelta(seconds=seconds)


def test_a_trigger_made_by_name_gets_the_time_zone_of_the_scheduler():
    scheduler = ManualScheduler(timezone="Asia/Tokyo")
    scheduler.start(paused=True)
    job = scheduler.add_job(note, "cron", hour=12)
    assert str(job.trigger.timezone) == "Asia/Tokyo"
    assert job.next_run_time.astimezone(UTC).hour == 3
    other = scheduler.add_job(note, "cron", hour=12, timezone="UTC")
    assert other.next_run_time.astimezone(UTC).hour == 12
    scheduler.shutdown()


def test_a_trigger_argument_that_does_not_exist_is_refused_with_the_nearest_name(scheduler):
    with pytest.raises(TypeError, match=r"minute \(did you mean minutes\?\)"):
        scheduler.add_job(note, "interval", minute=5)


def test_an_unknown_trigger_is_refused_with_the_nearest_name(scheduler):
    with pytest.raises(LookupError, match='No trigger by the name "intervall" was found .*interval'):
        scheduler.add_job(note, "intervall", minutes=5)
    with pytest.raises(TypeError, match="Expected a trigger instance or string, got int instead"):
        scheduler.add_job(note, 5)


def test_arguments_beside_a_trigger_instance_are_ignored_with_a_warning(scheduler, caplog):
    scheduler.add_job(note, Every(5), minutes=5)
    assert "ignored: minutes" in caplog.text


def test_a_next_run_time_goes_before_what_the_trigger_says(scheduler):
    when = scheduler.clock.now() + timedelta(seconds=3)
    job = scheduler.add_job(note, "interval", hours=1, next_run_time=when)
    assert job.next_run_time == when
    text = scheduler.add_job(note, "interval", hours=1, next_run_time="2030-01-01 00:00:04")
    assert text.next_run_time == when + timedelta(seconds=1)


def test_a_next_run_time_of_none_adds_the_job_paused(scheduler):
    job = scheduler.add_job(note, "interval", seconds=1, id="j", next_run_time=None)
    scheduler.pass_time(10)
    assert RAN == []
    assert job.next_run_time is None
    scheduler.resume_job("j")
    scheduler.pass_time(1)
    assert RAN == [None]


def test_a_job_that_will_never_fire_is_stored_as_paused_with_a_warning(scheduler, caplog):
    class Never(Every):
        def get_next_fire_time(self, previous_fire_time, now):
            return None

    job = scheduler.add_job(note, Never(1), id="j")
    assert job.next_run_time is None
    assert scheduler.get_job("j") is job
    assert "will never run" in caplog.text


# -- id, name, limits -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("none", [None, ""])
def test_a_job_without_an_id_gets_one_of_its_own(scheduler, none):
    one, other = scheduler.add_job(note, Every(5), id=none), scheduler.add_job(note, Every(5), id=none)
    assert len(one.id) == len(other.id) == 32
    assert one.id != other.id


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("id", 5),
        ("name", 5),
        ("name", ""),
        ("misfire_grace_time", 0),
        ("misfire_grace_time", "1"),
        ("max_instances", 0),
        ("max_instances", "2"),
        ("executor", 5),
        ("next_run_time", 5),
        ("next_run_time", "tomorrow"),
        ("replace_existing", "sometimes"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_argument(scheduler, argument, value):
    with pytest.raises((TypeError, ValueError), match=argument):
        scheduler.add_job(note, **{argument: value})
    assert scheduler.get_jobs() == []


def test_what_is_given_is_kept(scheduler):
    scheduler.add_executor(Held(), "held")
    scheduler.add_jobstore("memory", "other")
    job = scheduler.add_job(
        note,
        "interval",
        args=[1],
        kwargs={"a": 2},
        id="i",
        name="n",
        misfire_grace_time=7,
        coalesce=False,
        max_instances=3,
        next_run_time="2030-02-03",
        jobstore="other",
        executor="held",
        replace_existing=True,
        hours=5,
    )
    state = job.__getstate__()
    assert state.pop("trigger").interval == timedelta(hours=5)
    assert state == {
        "version": 1,
        "id": "i",
        "func": "_scheduler_parts:note",
        "executor": "held",
        "args": (1,),
        "kwargs": {"a": 2},
        "name": "n",
        "misfire_grace_time": 7,
        "coalesce": False,
        "max_instances": 3,
        "next_run_time": datetime(2030, 2, 3, tzinfo=UTC),
    }
    assert scheduler.get_job("i", "default") is None
    assert scheduler.get_job("i", "other") is job


def test_what_is_not_given_has_the_defaults_of_3x(scheduler):
    job = scheduler.add_job(note, Every(5))
    assert (job.misfire_grace_time, job.coalesce, job.max_instances, job.executor) == (1, True, 1, "default")


def test_what_is_not_given_has_the_defaults_of_the_scheduler():
    defaults = {"misfire_grace_time": None, "coalesce": "off", "max_instances": "4"}
    scheduler = ManualScheduler(job_defaults=defaults)
    scheduler.start()
    job = scheduler.add_job(note, Every(5))
    assert (job.misfire_grace_time, job.coalesce, job.max_instances) == (None, False, 4)
    own = scheduler.add_job(note, Every(5), misfire_grace_time=9, coalesce=True, max_instances=1)
    assert (own.misfire_grace_time, own.coalesce, own.max_instances) == (9, True, 1)
    scheduler.shutdown()


def test_an_unknown_job_store_is_a_key_error(scheduler):
    with pytest.raises(KeyError, match="No such job store: nowhere"):
        scheduler.add_job(note, jobstore="nowhere")


# -- before the start -----------------------------------------------------------------------------------------------


def test_jobs_added_before_the_start_are_pending_and_stored_by_it():
    scheduler = ManualScheduler()
    job = scheduler.add_job(note, "interval", seconds=5, id="j")
    assert job.pending
    assert not hasattr(job, "next_run_time")
    assert "pending" in str(job)
    assert scheduler.get_jobs() == [job]
    assert scheduler.recorder.codes == []
    scheduler.start()
    assert not job.pending
    assert job.next_run_time == job.trigger.start_date
    assert EVENT_JOB_ADDED in scheduler.recorder.codes
    scheduler.shutdown()


def test_defaults_and_first_run_times_of_pending_jobs_are_found_at_the_start():
    scheduler = ManualScheduler()
    job = scheduler.add_job(note, Every(5))
    scheduler.configure(clock=scheduler.clock, timezone="UTC", job_defaults={"max_instances": 6})
    scheduler.clock.advance(hours=1)
    scheduler.start()
    assert job.max_instances == 6
    assert job.next_run_time == scheduler.clock.now() + timedelta(seconds=5)
    scheduler.shutdown()


def test_a_start_with_a_conflict_fails_and_loses_no_pending_job():
    scheduler = ManualScheduler()
    for job_id in ("a", "b", "a"):
        scheduler.add_job(note, Every(5), id=job_id)
    with pytest.raises(ConflictingIdError, match="a"):
        scheduler.start()
    assert not scheduler.running
    assert [job.id for job in scheduler.get_jobs()] == ["a", "b", "a"]
    assert all(job.pending for job in scheduler.get_jobs())
    scheduler.remove_job("a")
    scheduler.start()
    assert sorted(job.id for job in scheduler.get_jobs()) == ["a", "b"]
    scheduler.shutdown()


def test_a_pending_job_replaces_one_before_it_where_it_says_so():
    scheduler = ManualScheduler()
    scheduler.add_job(note, Every(5), id="a", args=[1])
    scheduler.add_job(note, Every(7), id="a", args=[2], replace_existing=True)
    scheduler.start()
    [job] = scheduler.get_jobs()
    assert job.args == (2,)
    scheduler.shutdown()


def test_a_listener_may_add_jobs_while_the_scheduler_starts():
    scheduler = ManualScheduler()
    scheduler.add_job(note, Every(5), id="first")

    def add_another(event):
        if event.job_id == "first":
            scheduler.add_job(note, Every(5), id="second")

    scheduler.add_listener(add_another, EVENT_JOB_ADDED)
    scheduler.start()
    assert {job.id for job in scheduler.get_jobs()} == {"first", "second"}
    scheduler.shutdown()


# -- the decorator ----------------------------------------------------------------------------------------------------


def test_the_decorator_adds_the_function_and_returns_it(scheduler):
    @scheduler.scheduled_job("interval", args=[4], id="tick", name="Tick", seconds=5, max_instances=2)
    def tick(value):
        RAN.append(value)

    tick(3)
    scheduler.clock.advance(seconds=1)
    job = scheduler.get_job("tick")
    assert (job.func, job.args, job.name, job.max_instances) == (tick, (4,), "Tick", 2)
    assert job.trigger.interval == timedelta(seconds=5)


def test_the_decorator_replaces_a_job_with_the_same_id(scheduler):
    for seconds in (5, 7):
        scheduler.scheduled_job(Every(seconds), id="j")(note)
    [job] = scheduler.get_jobs()
    assert job.trigger.step == timedelta(seconds=7)


def test_the_decorator_takes_every_argument_of_the_job(scheduler):
    scheduler.add_jobstore("memory", "other")
    scheduler.scheduled_job(
        Every(5),
        kwargs={"a": 1},
        id="j",
        misfire_grace_time=None,
        coalesce=False,
        next_run_time=None,
        jobstore="other",
        executor="held",
    )(note)
    job = scheduler.get_job("j", "other")
    assert (job.kwargs, job.misfire_grace_time, job.coalesce, job.next_run_time, job.executor) == (
        {"a": 1},
        None,
        False,
        None,
        "held",
    )


# -- ids that are taken -------------------------------------------------------------------------------------------------


def test_an_id_that_is_taken_is_refused_and_the_stored_job_stays(scheduler):
    scheduler.add_job(note, Every(5), id="j", args=["first"])
    with pytest.raises(ConflictingIdError, match=r"Job identifier \(j\) conflicts.*replace_existing=True"):
        scheduler.add_job(note, Every(5), id="j", args=["second"])
    assert scheduler.get_job("j").args == ("first",)


def test_the_same_id_may_be_used_in_another_job_store(scheduler):
    scheduler.add_jobstore("memory", "other")
    scheduler.add_job(note, Every(5), id="j")
    scheduler.add_job(note, Every(5), id="j", jobstore="other")
    assert [job.id for job in scheduler.get_jobs()] == ["j", "j"]


def test_replacing_puts_the_new_definition_and_next_run_time_in_place(scheduler):
    scheduler.add_job(note, Every(5), id="j", args=["old"], name="Old", next_run_time=None)
    scheduler.recorder.clear()
    job = scheduler.add_job(note, Every(9), id="j", args=["new"], replace_existing=True)
    assert scheduler.recorder.codes == [EVENT_JOB_ADDED]
    [stored] = scheduler.get_jobs()
    assert (stored.args, stored.name) == (("new",), "note")
    assert job.next_run_time == stored.next_run_time == scheduler.clock.now() + timedelta(seconds=9)
    scheduler.pass_time(9)
    assert RAN == ["new"]


def test_the_handle_of_a_replaced_job_follows_the_stored_one(scheduler):
    scheduler.add_job(note, Every(5), id="j")
    job = scheduler.add_job(note, Every(9), id="j", replace_existing=True)
    scheduler.pass_time(9)
    assert job.next_run_time == scheduler.clock.now() + timedelta(seconds=9)


class TestReplacingIfChanged:
    @pytest.fixture
    def add(self, scheduler):
        arguments = {"args": [{"a": 1}], "name": "N", "misfire_grace_time": 5, "max_instances": 2}

        def add(trigger="interval", func=note, **changes):
            if trigger == "interval" and not {"seconds", "minutes"} & set(changes):
                changes["seconds"] = 10
            return scheduler.add_job(
                func, trigger, id="j", replace_existing="if_changed", **{**arguments, **changes}
            )

        return add

    def test_an_unchanged_job_keeps_its_phase_and_next_run_time(self, scheduler, add):
        before = add().next_run_time
        scheduler.clock.advance(seconds=3)
        scheduler.recorder.clear()
        assert add().next_run_time == before
        assert scheduler.recorder.codes == []

    def test_an_unchanged_job_stays_paused(self, scheduler, add):
        add()
        scheduler.pause_job("j")
        assert add().next_run_time is None
        scheduler.pass_time(100)
        assert RAN == []

    def test_an_unchanged_job_keeps_its_place_in_the_run_log(self, scheduler, add):
        add()
        scheduler.pass_time(10)
        add()
        scheduler.pass_time(10)
        assert len(scheduler.get_runs("j")) == 2

    @pytest.mark.parametrize(
        "change",
        [
            {"args": [{"a": 2}]},
            {"args": [{"a": 1}, 2]},
            {"kwargs": {"b": 1}},
            {"name": "M"},
            {"misfire_grace_time": None},
            {"misfire_grace_time": 6},
            {"coalesce": False},
            {"max_instances": 3},
            {"executor": "other"},
            {"seconds": 11},
            {"trigger": "cron", "second": 5},
            {"trigger": Every(10)},
            {"func": parts.anote},
        ],
        ids=str,
    )
    def test_each_change_of_the_definition_is_noticed(self, scheduler, add, change):
        add()
        scheduler.clock.advance(seconds=3)
        scheduler.recorder.clear()
        add(**change)
        assert EVENT_JOB_ADDED in scheduler.recorder.codes
        [job] = scheduler.get_jobs()
        for name, value in change.items():
            if name in ("name", "misfire_grace_time", "coalesce", "max_instances", "executor", "func"):
                assert getattr(job, name) == value

    def test_a_start_date_that_the_program_gives_is_part_of_the_definition(self, scheduler, add):
        add(start_date="2030-01-01 00:00:07")
        assert add(start_date="2030-01-01 00:00:08").next_run_time.second == 8

    def test_a_job_is_not_starved_by_restarts_more_often_than_its_interval(self):
        store, clock = parts.WaitingStore(), None
        for _ in range(5):
            scheduler = ManualScheduler(jobstores={"default": store}, **({"clock": clock} if clock else {}))
            clock = scheduler.clock
            scheduler.add_job(note, "interval", hours=1, id="j", replace_existing="if_changed")
            scheduler.start()
            scheduler.pass_time(60, steps=20)
            scheduler.shutdown()
        assert RAN == [None]

    def test_a_pending_job_that_is_unchanged_shows_the_stored_next_run_time(self):
        store = parts.WaitingStore()
        first = ManualScheduler(jobstores={"default": store})
        first.start()
        stored = first.add_job(note, Every(50), id="j").next_run_time
        first.shutdown()
        first.clock.advance(seconds=7)
        second = ManualScheduler(jobstores={"default": store}, clock=first.clock)
        job = second.add_job(note, Every(50), id="j", replace_existing="if_changed")
        second.start()
        assert (job.next_run_time, job.pending) == (stored, False)
        second.shutdown()


# -- many at once -------------------------------------------------------------------------------------------------------


def test_many_jobs_are_added_in_one_call(scheduler):
    jobs = scheduler.add_jobs(
        {"func": note, "trigger": Every(5), "id": str(n), "args": [n]} for n in range(100)
    )
    assert [job.id for job in jobs] == [str(n) for n in range(100)]
    assert scheduler.recorder.codes == [EVENT_JOB_ADDED] * 100
    scheduler.pass_time(5)
    assert sorted(RAN) == list(range(100))


def test_all_of_many_are_added_or_none(scheduler):
    scheduler.add_job(note, Every(5), id="taken")
    scheduler.recorder.clear()
    with pytest.raises(ConflictingIdError, match="taken"):
        scheduler.add_jobs([{"func": note, "id": "new"}, {"func": note, "id": "taken"}])
    with pytest.raises(ConflictingIdError, match="twice"):
        scheduler.add_jobs([{"func": note, "id": "twice"}, {"func": note, "id": "twice"}])
    with pytest.raises(ValueError, match="have not been supplied"):
        scheduler.add_jobs([{"func": note, "id": "new"}, {"func": two}])
    assert [job.id for job in scheduler.get_jobs()] == ["taken"]
    assert scheduler.recorder.codes == []


def test_of_many_those_whose_ids_are_taken_are_replaced_on_request(scheduler):
    scheduler.add_job(note, Every(5), id="b", args=["old"])
    jobs = scheduler.add_jobs(
        [{"func": note, "trigger": Every(5), "id": i, "args": ["new"]} for i in "abc"], replace_existing=True
    )
    assert [job.id for job in jobs] == ["a", "b", "c"]
    assert {job.args for job in scheduler.get_jobs()} == {("new",)}


def test_many_jobs_before_the_start_are_pending(scheduler):
    scheduler = ManualScheduler()
    scheduler.add_job(note, Every(5), id="a")
    jobs = scheduler.add_jobs(
        [{"func": note, "trigger": Every(5), "id": i} for i in "abc"], replace_existing=True
    )
    assert [job.id for job in jobs] == ["a", "b", "c"]
    assert all(job.pending for job in jobs)
    scheduler.start()
    assert len(scheduler.get_jobs()) == 3
    scheduler.shutdown()


def test_no_jobs_at_all_may_be_added(scheduler):
    assert scheduler.add_jobs([]) == []


# -- other threads ------------------------------------------------------------------------------------------------------


def test_a_job_added_to_a_sleeping_scheduler_wakes_it(scheduler):
    scheduler.add_job(note, Every(600))
    before = scheduler.wakeups
    scheduler.add_job(note, Every(700))
    assert scheduler.wakeups == before
    scheduler.add_job(note, Every(5))
    assert scheduler.wakeups == before + 1


def test_a_job_that_is_in_the_store_knows_its_store_before_it_can_run():
    """An executor of 3.x reads the alias from the job."""
    seen = []

    class Watching(MemoryJobStore):
        def insert_jobs(self, rows):
            seen.extend(row.definition._jobstore_alias for row in rows)
            return super().insert_jobs(rows)

    scheduler = ManualScheduler(jobstores={"default": Watching()})
    scheduler.start()
    scheduler.add_job(note, Every(5), id="j")
    with pytest.raises(ConflictingIdError):
        scheduler.add_job(note, Every(5), id="j")
    scheduler.add_jobs([{"func": note, "id": "k"}])
    assert seen == ["default"] * 3
    scheduler.shutdown()


def test_jobs_are_added_from_many_threads_at_once():
    import threading

    scheduler = BackgroundScheduler(timezone="UTC")

    def add(name):
        for number in range(50):
            scheduler.add_job(note, "interval", hours=1, id=f"{name}-{number}")

    threads = [threading.Thread(target=add, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    scheduler.start()  # some are pending, some not
    for thread in threads:
        thread.join()
    assert len(scheduler.get_jobs()) == 200
    scheduler.shutdown()


def test_adding_is_logged_by_name(scheduler, caplog):
    caplog.set_level(logging.INFO)
    scheduler.add_job(note, Every(5), id="j", name="The job")
    assert 'Added job "The job" to job store "default"' in caplog.text
    assert EVENT_JOB_MODIFIED not in scheduler.recorder.codes
    assert EVENT_JOB_REMOVED not in scheduler.recorder.codes
