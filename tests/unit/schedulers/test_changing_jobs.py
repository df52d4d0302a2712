"""Jobs that are there: looked up, changed, paused, resumed, removed, exported - before and after the start."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from _scheduler_parts import RAN, Every, Held, WaitingStore, note, two

from apscheduler.errors import ConflictingIdError, JobLookupError, JobUnreadableError
from apscheduler.events import (
    EVENT_ALL_JOBS_REMOVED,
    EVENT_JOB_ADDED,
    EVENT_JOB_MODIFIED,
    EVENT_JOB_REMOVED,
)
from apscheduler.testing.manual import ManualScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

OF_3X = Path(__file__).parents[2] / "compat" / "exported-by-3.11.3.json"


@pytest.fixture(autouse=True)
def _clean():
    RAN.clear()


@pytest.fixture(params=["pending", "memory", "waiting"])
def home(request):
    """A scheduler: one that is not started, one on a memory store, one on a store whose handles are copies."""
    options = {"jobstores": {"default": WaitingStore()}} if request.param == "waiting" else {}
    scheduler = ManualScheduler(**options)
    if request.param != "pending":
        scheduler.start()
    scheduler.recorder.clear()
    yield scheduler
    if scheduler.running:
        scheduler.shutdown(timeout=0)


# -- looking up -----------------------------------------------------------------------------------------------------


def test_a_job_is_found_by_its_id(home):
    home.add_job(note, Every(5), id="j", args=[1])
    job = home.get_job("j")
    assert (job.id, job.args) == ("j", (1,))
    assert home.get_job("j", "default") == job
    assert home.get_job("other") is None


def test_a_job_is_looked_for_in_one_store_or_in_all(scheduler):
    scheduler.add_jobstore("memory", "other")
    scheduler.add_job(note, Every(5), id="j", jobstore="other")
    assert scheduler.get_job("j").id == "j"
    assert scheduler.get_job("j", "other").id == "j"
    assert scheduler.get_job("j", "default") is None
    assert scheduler.get_job("j", "nowhere") is None


def test_jobs_are_listed_by_their_next_run_time_and_paused_ones_last(scheduler):
    scheduler.add_job(note, Every(5), id="paused", next_run_time=None)
    for job_id, seconds in (("c", 30), ("a", 10), ("b", 20)):
        scheduler.add_job(note, Every(seconds), id=job_id)
    assert [job.id for job in scheduler.get_jobs()] == ["a", "b", "c", "paused"]


def test_jobs_are_listed_store_by_store(scheduler):
    scheduler.add_jobstore("memory", "other")
    scheduler.add_job(note, Every(1), id="o", jobstore="other")
    scheduler.add_job(note, Every(5), id="d")
    assert [job.id for job in scheduler.get_jobs()] == ["d", "o"]
    assert [job.id for job in scheduler.get_jobs("other")] == ["o"]
    assert scheduler.get_jobs("nowhere") == []


def test_the_argument_pending_has_no_effect(scheduler):
    job = scheduler.add_job(note, Every(5))
    assert scheduler.get_jobs(pending=True) == scheduler.get_jobs(pending=False) == [job]


def test_pending_jobs_are_listed_in_the_order_they_were_added():
    scheduler = ManualScheduler()
    for job_id in "cab":
        scheduler.add_job(note, Every(5), id=job_id, jobstore="other" if job_id == "a" else "default")
    assert [job.id for job in scheduler.get_jobs()] == ["c", "a", "b"]
    assert [job.id for job in scheduler.get_jobs("other")] == ["a"]


def test_the_printed_list_has_one_block_per_store(scheduler):
    scheduler.add_jobstore("memory", "alt")
    scheduler.add_job(note, "interval", days=1, start_date="2100-01-01", name="Daily")
    scheduler.add_job(note, "interval", days=1, next_run_time=None, name="Paused")
    out = io.StringIO()
    scheduler.print_jobs(out=out)
    assert out.getvalue() == (
        "Jobstore alt:\n"
        "    No scheduled jobs\n"
        "Jobstore default:\n"
        "    Daily (trigger: interval[1 day, 0:00:00], next run at: 2100-01-01 00:00:00 UTC)\n"
        "    Paused (trigger: interval[1 day, 0:00:00], paused)\n"
    )
    out = io.StringIO()
    scheduler.print_jobs("alt", out)
    assert out.getvalue() == "Jobstore alt:\n    No scheduled jobs\n"


def test_the_list_is_printed_to_the_standard_output(capsys):
    scheduler = ManualScheduler()
    scheduler.print_jobs()
    scheduler.add_job(note, Every(5), name="N")
    scheduler.print_jobs()
    first, second = capsys.readouterr().out.split("Pending jobs:\n")[1:]
    assert first == "    No pending jobs\n"
    assert second.startswith("    N (trigger: ")
    assert second.endswith(", pending)\n")


# -- modify ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "New"),
        ("func", two),
        ("args", (1,)),
        ("kwargs", {"two": 3}),
        ("misfire_grace_time", None),
        ("misfire_grace_time", 77),
        ("coalesce", False),
        ("max_instances", 9),
        ("executor", "other"),
        ("next_run_time", None),
        ("next_run_time", datetime(2031, 1, 1, tzinfo=UTC)),
    ],
)
def test_each_attribute_can_be_modified(home, name, value):
    home.add_job(note if name != "kwargs" else two, Every(5), id="j", args=[0])
    job = home.modify_job("j", **{name: value})
    assert getattr(job, name) == value
    assert getattr(home.get_job("j"), name) == value


def test_a_modification_is_an_event_only_once_the_job_is_stored(home):
    home.add_job(note, Every(5), id="j")
    home.recorder.clear()
    home.modify_job("j", name="New")
    assert home.recorder.codes == ([EVENT_JOB_MODIFIED] if home.running else [])


def test_a_handle_is_modified_in_place(home):
    job = home.add_job(note, Every(5), id="j")
    assert job.modify(name="New", max_instances=4) is job
    assert (job.name, job.max_instances) == ("New", 4)
    assert home.get_job("j").name == "New"


def test_a_new_trigger_leaves_the_next_run_time_as_it_is(scheduler):
    before = scheduler.add_job(note, Every(5), id="j").next_run_time
    job = scheduler.modify_job("j", trigger=Every(100))
    assert job.next_run_time == before


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"id": "other"}, ValueError),
        ({"nonsense": 1}, AttributeError),
        ({"next_run_tme": None}, AttributeError),
        ({"name": ""}, TypeError),
        ({"name": None}, TypeError),
        ({"max_instances": 0}, TypeError),
        ({"misfire_grace_time": -1}, TypeError),
        ({"trigger": "interval"}, TypeError),
        ({"executor": 1}, TypeError),
        ({"args": 5}, TypeError),
        ({"args": [1, 2, 3], "func": two}, ValueError),
        ({"func": "no:such"}, LookupError),
        ({"next_run_time": "soon"}, ValueError),
        ({"name": "Fine", "max_instances": 0}, TypeError),
    ],
    ids=str,
)
def test_a_wrong_change_is_refused_and_nothing_is_changed(home, changes, error):
    home.add_job(note, Every(5), id="j")
    before = home.get_job("j").__getstate__() if home.running else str(home.get_job("j"))
    home.recorder.clear()
    with pytest.raises(error):
        home.modify_job("j", **changes)
    assert (home.get_job("j").__getstate__() if home.running else str(home.get_job("j"))) == before
    assert home.recorder.codes == []


def test_of_a_change_that_is_unknown_the_name_is_told(scheduler):
    scheduler.add_job(note, Every(5), id="j")
    with pytest.raises(AttributeError, match="not modifiable attributes of Job: nonsense"):
        scheduler.modify_job("j", name="New", nonsense=1)


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.modify_job("gone", name="x"),
        lambda s: s.reschedule_job("gone", trigger=Every(5)),
        lambda s: s.pause_job("gone"),
        lambda s: s.resume_job("gone"),
        lambda s: s.remove_job("gone"),
        lambda s: s.modify_job("j", "nowhere", name="x"),
        lambda s: s.remove_job("j", "nowhere"),
    ],
)
def test_a_job_that_is_not_there_is_a_lookup_error(home, call):
    home.add_job(note, Every(5), id="j")
    with pytest.raises(JobLookupError, match="No job by the id of (gone|j) was found"):
        call(home)
    assert home.get_job("j") is not None


def test_a_job_is_due_at_the_time_it_is_modified_to(scheduler):
    scheduler.add_job(note, Every(500), id="j")
    before = scheduler.wakeups
    scheduler.modify_job("j", next_run_time=scheduler.clock.now() + timedelta(seconds=3))
    assert scheduler.wakeups > before
    scheduler.pass_time(3)
    assert RAN == [None]


# -- arguments of the trigger -----------------------------------------------------------------------------------------


def test_the_arguments_of_an_interval_are_changed_by_name(home):
    job = home.add_job(note, "interval", hours=2, id="job_one")
    job = home.modify_job("job_one", minutes=5)
    assert job.trigger.interval == timedelta(minutes=5)
    if home.running:
        assert job.next_run_time == home.clock.now() + timedelta(minutes=5)
    else:
        assert not hasattr(job, "next_run_time")


def test_the_arguments_of_the_trigger_are_changed_through_a_handle(home):
    job = home.add_job(note, "interval", hours=2, id="j")
    assert job.modify(seconds=90).trigger.interval == timedelta(seconds=90)


def test_the_fields_of_a_cron_trigger_are_changed_by_name(scheduler):
    scheduler.add_job(
        note, "cron", day_of_week="mon-fri", hour=7, minute=30, id="j", timezone="Europe/Berlin"
    )
    job = scheduler.modify_job("j", hour="9-10")
    assert str(job.trigger) == "cron[day_of_week='mon-fri', hour='9-10', minute='30']"
    assert str(job.trigger.timezone) == "Europe/Berlin"
    assert (job.next_run_time.hour, job.next_run_time.minute) == (9, 30)


def test_the_date_of_a_date_trigger_is_changed_by_name(scheduler):
    scheduler.add_job(note, "date", run_date="2031-01-01", id="j")
    assert scheduler.modify_job("j", run_date="2032-02-02").next_run_time == datetime(2032, 2, 2, tzinfo=UTC)


def test_attributes_and_trigger_arguments_are_changed_together(scheduler):
    scheduler.add_job(note, "interval", hours=2, id="j")
    when = scheduler.clock.now() + timedelta(seconds=42)
    job = scheduler.modify_job("j", minutes=5, name="New", next_run_time=when)
    assert (job.name, job.trigger.interval, job.next_run_time) == ("New", timedelta(minutes=5), when)


def test_keyword_arguments_and_trigger_arguments_are_changed_together(scheduler):
    scheduler.add_job(note, "interval", hours=2, id="j")
    job = scheduler.modify_job("j", minutes=5, kwargs={"a": 1}, args=[2])
    assert (job.kwargs, job.args, job.trigger.interval) == ({"a": 1}, (2,), timedelta(minutes=5))


def test_a_paused_job_stays_paused_when_its_trigger_is_changed(scheduler):
    scheduler.add_job(note, "interval", hours=2, id="j", next_run_time=None)
    job = scheduler.modify_job("j", minutes=5)
    assert (job.trigger.interval, job.next_run_time) == (timedelta(minutes=5), None)


def test_an_argument_of_another_trigger_is_refused(scheduler):
    scheduler.add_job(note, "interval", hours=2, id="j")
    with pytest.raises(AttributeError, match="day_of_week"):
        scheduler.modify_job("j", minutes=5, day_of_week="mon")
    with pytest.raises(ValueError, match="positive"):
        scheduler.modify_job("j", minutes=-5)
    assert scheduler.get_job("j").trigger.interval == timedelta(hours=2)


# -- reschedule -------------------------------------------------------------------------------------------------------


def test_a_rescheduled_job_runs_by_its_new_trigger_from_now_on(home):
    home.add_job(note, "interval", hours=2, id="j")
    job = home.reschedule_job("j", trigger="interval", minutes=1)
    assert job.trigger.interval == timedelta(minutes=1)
    assert job.next_run_time == home.clock.now() + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("trigger", "arguments", "kind"),
    [
        ("cron", {"hour": 4}, CronTrigger),
        ("date", {"run_date": "2031-01-01"}, DateTrigger),
        (None, {}, DateTrigger),
        (IntervalTrigger(hours=3), {}, IntervalTrigger),
    ],
)
def test_a_job_is_rescheduled_by_name_or_by_an_instance(scheduler, trigger, arguments, kind):
    job = scheduler.add_job(note, Every(5), id="j")
    assert job.reschedule(trigger, **arguments) is job
    assert type(job.trigger) is kind


def test_rescheduling_resumes_a_paused_job(scheduler):
    scheduler.add_job(note, "interval", hours=2, id="j", next_run_time=None)
    assert scheduler.reschedule_job("j", trigger=Every(5)).next_run_time is not None


def test_a_wrong_trigger_leaves_the_job_as_it_is(scheduler):
    before = scheduler.add_job(note, Every(5), id="j").next_run_time
    with pytest.raises(LookupError):
        scheduler.reschedule_job("j", trigger="moon")
    with pytest.raises(TypeError):
        scheduler.reschedule_job("j", trigger=5)
    assert scheduler.get_job("j").next_run_time == before


# -- pause, resume ------------------------------------------------------------------------------------------------------


def test_a_paused_job_does_not_run_until_it_is_resumed(scheduler):
    job = scheduler.add_job(note, Every(10), id="j")
    assert scheduler.pause_job("j") is job
    assert job.next_run_time is None
    scheduler.pass_time(10, steps=5)
    assert RAN == []
    scheduler.resume_job("j")
    assert job.next_run_time == scheduler.clock.now() + timedelta(seconds=10)
    scheduler.pass_time(10)
    assert RAN == [None]


def test_a_job_is_paused_and_resumed_through_its_handle(home):
    job = home.add_job(note, Every(10), id="j")
    assert job.pause() is job
    assert job.next_run_time is None
    assert job.resume() is job
    assert job.next_run_time == home.clock.now() + timedelta(seconds=10)


def test_what_became_due_while_a_job_was_paused_is_not_run_later(scheduler):
    scheduler.add_job(note, Every(10), id="j", misfire_grace_time=None, coalesce=False)
    scheduler.pause_job("j")
    scheduler.clock.advance(hours=1)
    scheduler.resume_job("j")
    scheduler.turn()
    assert RAN == []


def test_resuming_a_job_that_has_no_fire_time_left_removes_it(home):
    class Over(Every):
        def get_next_fire_time(self, previous_fire_time, now):
            return None

    home.add_job(note, Over(1), id="j", next_run_time=None)
    home.recorder.clear()
    assert home.resume_job("j") is None
    assert home.get_jobs() == []
    assert home.recorder.codes == ([EVENT_JOB_REMOVED] if home.running else [])


def test_pausing_a_job_does_not_end_its_run_in_flight(scheduler):
    held = Held()
    scheduler.add_executor(held, "held")
    scheduler.add_job(note, Every(10), id="j", executor="held")
    scheduler.pass_time(10)
    scheduler.pause_job("j")
    held.end_all()
    assert [run.status for run in scheduler.get_runs("j")] == ["succeeded"]
    assert scheduler.get_job("j").next_run_time is None


# -- remove ---------------------------------------------------------------------------------------------------------------


def test_a_removed_job_is_gone_and_does_not_run(home):
    job = home.add_job(note, Every(5), id="j")
    other = home.add_job(note, Every(5), id="k")
    home.recorder.clear()
    assert home.remove_job("j") is None
    other.remove()
    assert home.recorder.codes == ([EVENT_JOB_REMOVED] * 2 if home.running else [])
    assert home.get_jobs() == []
    with pytest.raises(JobLookupError):
        job.remove()
    with pytest.raises(JobLookupError):
        job.modify(name="x")


def test_a_job_is_removed_from_one_store_only(scheduler):
    scheduler.add_jobstore("memory", "other")
    scheduler.add_job(note, Every(5), id="j")
    scheduler.add_job(note, Every(5), id="j", jobstore="other")
    scheduler.remove_job("j", "other")
    assert scheduler.get_job("j", "default") is not None
    assert scheduler.get_job("j", "other") is None


def test_the_records_of_a_removed_job_are_kept(scheduler):
    scheduler.add_job(note, Every(5), id="j")
    scheduler.pass_time(5)
    scheduler.remove_job("j")
    assert [run.status for run in scheduler.get_runs("j")] == ["succeeded"]


def test_all_jobs_are_removed_at_once(home):
    for job_id in "abc":
        home.add_job(note, Every(5), id=job_id)
    home.recorder.clear()
    home.remove_all_jobs()
    assert home.get_jobs() == []
    [event] = home.recorder
    assert (event.code, event.alias) == (EVENT_ALL_JOBS_REMOVED, None)


def test_all_jobs_of_one_store_are_removed(scheduler):
    scheduler.add_jobstore("memory", "other")
    scheduler.add_job(note, Every(5), id="d")
    scheduler.add_job(note, Every(5), id="o", jobstore="other")
    scheduler.recorder.clear()
    scheduler.remove_all_jobs("other")
    assert [job.id for job in scheduler.get_jobs()] == ["d"]
    assert scheduler.recorder.events[0].alias == "other"


def test_a_job_may_remove_itself(scheduler):
    scheduler.add_job(lambda: (RAN.append(1), scheduler.remove_job("j")), Every(5), id="j")
    scheduler.pass_time(5, steps=3)
    assert RAN == [1]
    assert [run.status for run in scheduler.get_runs("j")] == ["succeeded"]


# -- changes that meet ------------------------------------------------------------------------------------------------------


def test_of_two_changes_at_once_none_is_lost(scheduler):
    class Meeting(WaitingStore):
        meeting = None

        def replace_job(self, row):
            meeting, self.meeting = self.meeting, None
            if meeting:
                meeting()
            return super().replace_job(row)

    store = Meeting()
    scheduler.add_jobstore(store, "meeting")
    scheduler.add_job(note, Every(5), id="j", jobstore="meeting")
    store.meeting = lambda: scheduler.modify_job("j", max_instances=7)
    scheduler.modify_job("j", name="New")
    job = scheduler.get_job("j")
    assert (job.name, job.max_instances) == ("New", 7)


def test_a_change_does_not_undo_a_firing_that_comes_between(scheduler):
    class Meeting(WaitingStore):
        meeting = None

        def replace_job(self, row):
            meeting, self.meeting = self.meeting, None
            if meeting:
                meeting()
            return super().replace_job(row)

    store = Meeting()
    scheduler.add_jobstore(store, "meeting")
    scheduler.add_job(note, Every(5), id="j", jobstore="meeting")
    store.meeting = lambda: scheduler.pass_time(5)
    scheduler.modify_job("j", name="New")
    assert RAN == [None]
    assert scheduler.get_job("j").next_run_time == scheduler.clock.now() + timedelta(seconds=5)
    scheduler.turn()
    assert RAN == [None]


# -- files --------------------------------------------------------------------------------------------------------------------


def test_exported_jobs_are_imported_elsewhere_as_they_were(scheduler, tmp_path):
    scheduler.add_job(
        note, "interval", hours=1, id="i", args=[1, (2, b"x")], kwargs={"d": datetime(2020, 1, 1)}
    )
    scheduler.add_job(two, "cron", day_of_week="mon", hour=5, id="c", args=["a"], name="C", coalesce=False)
    scheduler.add_job(note, "date", run_date="2031-01-01", id="d", misfire_grace_time=None, max_instances=4)
    scheduler.add_job(note, "interval", hours=1, id="p", next_run_time=None)
    path = str(tmp_path / "jobs.json")
    scheduler.export_jobs(path)
    other = ManualScheduler()
    other.start()
    other.recorder.clear()
    other.import_jobs(path)
    assert other.recorder.codes == [EVENT_JOB_ADDED] * 4
    for job in scheduler.get_jobs():
        ours, theirs = other.get_job(job.id).__getstate__(), job.__getstate__()
        assert ours.pop("trigger").__getstate__() == theirs.pop("trigger").__getstate__()
        assert ours == theirs
    other.shutdown()


def test_jobs_are_exported_to_an_open_file_and_from_one_store(scheduler):
    scheduler.add_jobstore("memory", "other")
    scheduler.add_job(note, Every(5), id="d")
    scheduler.add_job(note, "interval", hours=1, id="o", jobstore="other")
    file = io.StringIO()
    scheduler.export_jobs(file, "other")
    document = json.loads(file.getvalue())
    assert (document["version"], document["scheduler_version"]) == (1, "3.20.0")
    assert [job["id"] for job in document["jobs"]] == ["o"]


def test_jobs_are_imported_into_the_store_that_is_named(scheduler):
    scheduler.add_job(note, "interval", hours=1, id="j")
    file = io.StringIO()
    scheduler.export_jobs(file)
    scheduler.add_jobstore("memory", "other")
    scheduler.import_jobs(io.StringIO(file.getvalue()), "other")
    assert [job.id for job in scheduler.get_jobs("other")] == ["j"]
    with pytest.raises(ConflictingIdError):
        scheduler.import_jobs(io.StringIO(file.getvalue()))


def test_jobs_imported_before_the_start_are_pending(scheduler):
    scheduler.add_job(note, "interval", hours=1, id="j")
    file = io.StringIO()
    scheduler.export_jobs(file)
    other = ManualScheduler()
    other.import_jobs(io.StringIO(file.getvalue()))
    [job] = other.get_jobs()
    assert job.pending
    other.start()
    assert other.get_job("j").next_run_time == scheduler.get_job("j").next_run_time
    other.shutdown()


def test_only_a_running_scheduler_exports():
    scheduler = ManualScheduler()
    scheduler.add_job(note, Every(5))
    with pytest.raises(RuntimeError, match="start"):
        scheduler.export_jobs(io.StringIO())


def test_a_job_without_a_name_to_find_it_by_is_not_exported(scheduler):
    scheduler.add_job(lambda: None, Every(5))
    with pytest.raises(ValueError, match="lambda"):
        scheduler.export_jobs(io.StringIO())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not json", "not a file that export_jobs"),
        ("[]", "not a file that export_jobs"),
        ('{"version": 1}', "not a file that export_jobs"),
        ('{"version": 2, "jobs": []}', "version 2, but only version 1"),
    ],
)
def test_another_file_is_refused(scheduler, text, message):
    with pytest.raises(ValueError, match=message):
        scheduler.import_jobs(io.StringIO(text))


def test_a_file_with_a_job_that_cannot_be_rebuilt_says_which(scheduler):
    scheduler.add_job(note, "interval", hours=1, id="j")
    file = io.StringIO()
    scheduler.export_jobs(file)
    broken = file.getvalue().replace("_scheduler_parts:note", "_scheduler_parts:gone")
    scheduler.remove_all_jobs()
    with pytest.raises((JobUnreadableError, LookupError), match="gone"):
        scheduler.import_jobs(io.StringIO(broken))
    assert scheduler.get_jobs() == []


def test_a_file_that_3x_exported_is_imported(scheduler):
    """Made by `exported_by_3x.py`, run with 3.11.3."""
    scheduler.import_jobs(str(OF_3X))
    jobs = {job.id: job for job in scheduler.get_jobs()}
    assert set(jobs) == {"interval", "cron", "date", "paused", "and", "calendar"}
    assert jobs["interval"].trigger.interval == timedelta(hours=1, minutes=5)
    assert jobs["interval"].args == (1, "two", [3, 4])  # 3.x writes a tuple within them as a list
    assert jobs["interval"].kwargs == {"key": datetime(2020, 2, 2)}
    assert str(jobs["cron"].trigger) == "cron[day_of_week='mon-fri', hour='5', minute='30']"
    assert (jobs["cron"].name, jobs["cron"].misfire_grace_time, jobs["cron"].coalesce) == (
        "Cron job",
        None,
        False,
    )
    assert jobs["date"].next_run_time == datetime(2100, 1, 1, 12, tzinfo=UTC)
    assert jobs["date"].max_instances == 5
    assert jobs["paused"].next_run_time is None
    assert str(jobs["and"].trigger).startswith("and[")
    assert jobs["interval"].func is dict
