"""Options of a scheduler: nested, dotted, as texts; job stores, executors and plugins by name; mistakes."""

from __future__ import annotations

import logging
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from _scheduler_parts import RAN, Every, Held, WaitingStore, note

from apscheduler._core.retention import Retention
from apscheduler.errors import SchedulerAlreadyRunningError
from apscheduler.events import (
    EVENT_EXECUTOR_ADDED,
    EVENT_EXECUTOR_REMOVED,
    EVENT_JOBSTORE_ADDED,
    EVENT_JOBSTORE_REMOVED,
)
from apscheduler.executors.debug import DebugExecutor
from apscheduler.executors.pool import ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.testing.manual import ManualScheduler


@pytest.fixture(autouse=True)
def _clean():
    RAN.clear()


NESTED = {
    "apscheduler.jobstores": {
        "mem": {"type": "memory"},
        "own": {"class": "apscheduler.jobstores.memory:MemoryJobStore"},
    },
    "apscheduler.executors": {
        "default": {"type": "threadpool", "max_workers": "20"},
        "debug": {"class": "apscheduler.executors.debug:DebugExecutor"},
    },
    "apscheduler.job_defaults": {"coalesce": "false", "max_instances": "3", "misfire_grace_time": "7"},
    "apscheduler.timezone": "Europe/Berlin",
    "apscheduler.jobstore_retry_interval": "2.5",
    "some.other.program": {"timezone": "Asia/Tokyo"},
}
DOTTED = {
    "apscheduler.jobstores.mem.type": "memory",
    "apscheduler.jobstores.own.class": "apscheduler.jobstores.memory:MemoryJobStore",
    "apscheduler.executors.default.type": "threadpool",
    "apscheduler.executors.default.max_workers": "20",
    "apscheduler.executors.debug.class": "apscheduler.executors.debug:DebugExecutor",
    "apscheduler.job_defaults.coalesce": "false",
    "apscheduler.job_defaults.max_instances": "3",
    "apscheduler.job_defaults.misfire_grace_time": "7",
    "apscheduler.timezone": "Europe/Berlin",
    "apscheduler.jobstore_retry_interval": "2.5",
    "other.timezone": "Asia/Tokyo",
}


@pytest.mark.parametrize("config", [NESTED, DOTTED], ids=["nested", "dotted"])
@pytest.mark.parametrize("how", ["constructor", "configure"])
def test_options_come_nested_or_dotted_and_as_texts(config, how):
    if how == "constructor":
        scheduler = BackgroundScheduler(config)
    else:
        scheduler = BackgroundScheduler()
        scheduler.configure(config)
    assert {alias: type(store) for alias, store in scheduler._jobstores.items()} == {
        "mem": MemoryJobStore,
        "own": MemoryJobStore,
    }
    executors = scheduler._executors
    assert {alias: type(executor) for alias, executor in executors.items()} == {
        "default": ThreadPoolExecutor,
        "debug": DebugExecutor,
    }
    assert executors["default"]._max_workers == 20
    assert scheduler.timezone == ZoneInfo("Europe/Berlin")
    assert scheduler.jobstore_retry_interval == 2.5
    assert scheduler._job_defaults == {
        "coalesce": False,
        "max_instances": 3,
        "misfire_grace_time": 7,
        "on_crash": "record",
    }


def test_keyword_options_need_no_prefix_and_win():
    scheduler = BackgroundScheduler(
        {"apscheduler.timezone": "Europe/Berlin", "apscheduler.job_defaults.max_instances": 2}, timezone=UTC
    )
    assert scheduler.timezone is UTC
    assert scheduler._job_defaults["max_instances"] == 2


def test_another_prefix_may_be_chosen():
    scheduler = BackgroundScheduler()
    scheduler.configure({"jobs.timezone": "Asia/Tokyo", "apscheduler.timezone": "UTC"}, prefix="jobs.")
    assert scheduler.timezone == ZoneInfo("Asia/Tokyo")


def test_without_a_prefix_every_key_counts():
    scheduler = BackgroundScheduler()
    scheduler.configure({"timezone": "Asia/Tokyo"}, prefix="")
    assert scheduler.timezone == ZoneInfo("Asia/Tokyo")


def test_configuring_again_starts_from_the_defaults():
    scheduler = BackgroundScheduler(timezone="Asia/Tokyo", job_defaults={"max_instances": 5})
    scheduler.configure(timezone="UTC")
    assert scheduler._job_defaults["max_instances"] == 1


def test_configuring_keeps_listeners_pending_jobs_and_what_was_added_by_hand():
    scheduler = ManualScheduler()
    store = MemoryJobStore()
    scheduler.add_jobstore(store, "mine")
    scheduler.add_job(note, Every(5), jobstore="mine")
    scheduler.configure(clock=scheduler.clock, timezone="UTC", jobstores={"other": {"type": "memory"}})
    scheduler.start()
    assert len(scheduler.get_jobs("mine")) == 1
    assert set(scheduler._jobstores) == {"default", "mine", "other"}
    assert len(scheduler.recorder) > 0
    scheduler.shutdown()


def test_a_running_scheduler_is_not_configured(scheduler):
    with pytest.raises(SchedulerAlreadyRunningError):
        scheduler.configure(timezone="UTC")


def test_the_callers_dicts_are_left_alone():
    jobstores = {"a": {"type": "memory"}}
    config = {"apscheduler.jobstores": jobstores, "apscheduler.jobstores.b.type": "memory"}
    BackgroundScheduler(config)
    assert jobstores == {"a": {"type": "memory"}}
    assert set(config) == {"apscheduler.jobstores", "apscheduler.jobstores.b.type"}


# -- time zone, logger, daemon, run log ---------------------------------------------------------------------------------


def test_the_time_zone_is_a_name_or_a_tzinfo_and_that_of_the_machine_by_default():
    assert BackgroundScheduler(timezone="Asia/Tokyo").timezone == ZoneInfo("Asia/Tokyo")
    assert BackgroundScheduler(timezone=UTC).timezone is UTC
    assert BackgroundScheduler().timezone is not None
    with pytest.raises(ZoneInfoNotFoundError):
        BackgroundScheduler(timezone="Nowhere/At_All")
    with pytest.raises(TypeError):
        BackgroundScheduler(timezone=5)


LOGGER = logging.getLogger("own")


@pytest.mark.parametrize("logger", [LOGGER, "test_options:LOGGER"])
def test_a_logger_is_given_as_an_object_or_by_its_reference(logger, caplog):
    scheduler = ManualScheduler(logger=logger)
    caplog.set_level(logging.INFO)
    scheduler.start()
    scheduler.shutdown()
    assert {record.name for record in caplog.records if "cheduler" in record.message} == {"own"}


def test_the_thread_of_a_background_scheduler_is_a_daemon_unless_it_is_told_not_to_be():
    for option, daemon in ((None, True), (False, False), ("off", False), ("true", True)):
        scheduler = BackgroundScheduler(**({} if option is None else {"daemon": option}))
        scheduler.start()
        assert scheduler._thread.daemon is daemon
        scheduler.shutdown()


@pytest.mark.parametrize(
    ("option", "retention"),
    [
        (True, Retention()),
        (False, Retention(False, None, None)),
        ({"max_age": timedelta(hours=1)}, Retention(True, 3600.0, 1000)),
        ({"per_job": "5", "max_age": None}, Retention(True, None, 5)),
    ],
)
def test_the_run_log_is_kept_as_the_option_says(option, retention):
    assert ManualScheduler(run_log=option)._engine.retention == retention


def test_the_run_log_may_be_described_with_dots():
    scheduler = BackgroundScheduler({"apscheduler.run_log.per_job": "9"})
    assert scheduler._engine.retention == Retention(True, timedelta(days=7).total_seconds(), 9)


@pytest.mark.parametrize("option", ["yes", 5, {"per_job": 0}, {"max_age": "old"}, {"max_aeg": 5}])
def test_a_wrong_run_log_is_refused(option):
    with pytest.raises(ValueError, match="run_log"):
        BackgroundScheduler(run_log=option)


# -- mistakes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"time_zone": "UTC"}, ["time_zone", "timezone"]),
        ({"executer": {}}, ["executer", "executors"]),
        ({"job_store": {}}, ["job_store", "jobstores"]),
        ({"Timezone": "UTC"}, ["Timezone", "timezone"]),
        ({"zzz": 1}, ["zzz", "known are", "timezone"]),
        ({"misfire_grace_time": 10}, ["misfire_grace_time", "job_defaults"]),
        ({"coalesce": True}, ["coalesce", "job_defaults"]),
        ({"job_defaults": {"max_instance": 5}}, ["max_instance", "max_instances"]),
    ],
    ids=str,
)
def test_an_unknown_option_is_a_warning_that_names_the_nearest_and_the_program_runs(options, words, caplog):
    scheduler = ManualScheduler(**options)
    scheduler.start()
    [record] = [r for r in caplog.records if r.levelno == logging.WARNING]
    for word in words:
        assert word in record.getMessage()
    scheduler.shutdown()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (BackgroundScheduler, {"daemon": True}),
        (AsyncIOScheduler, {"event_loop": None}),
        (BlockingScheduler, {"jobstore_retry_interval": 5}),
    ],
)
def test_every_scheduler_knows_its_own_options(kind, options, caplog):
    kind(
        timezone="UTC",
        run_log=True,
        lease=30,
        logger=None,
        job_defaults={},
        executors={},
        jobstores={},
        **options,
    )
    assert caplog.records == []


def test_an_option_of_another_scheduler_is_unknown(caplog):
    BlockingScheduler(daemon=True)
    assert "daemon" in caplog.text


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"executors": {"x": {}}},
            ValueError,
            'Cannot create executor "x" -- either "type" or "class" must be defined',
        ),
        ({"jobstores": {"x": {}}}, ValueError, 'Cannot create job store "x"'),
        (
            {"executors": {"x": 5}},
            TypeError,
            r"Expected executor instance or dict for executors\['x'\], got int instead",
        ),
        ({"jobstores": {"x": 5}}, TypeError, r"Expected job store instance or dict for jobstores\['x'\]"),
        ({"executors": {"x": {"type": "threadpol"}}}, LookupError, "threadpool"),
        ({"jobstores": {"x": {"class": "no.such:Store"}}}, LookupError, "no.such"),
        ({"jobstores": {"x": {"class": "nocolon"}}}, ValueError, "Invalid reference"),
        ({"executors": {"x": {"type": "threadpool", "workers": 5}}}, TypeError, "workers"),
        ({"job_defaults": {"max_instances": "many"}}, ValueError, "many"),
        ({"job_defaults": {"coalesce": "perhaps"}}, ValueError, "perhaps"),
    ],
    ids=str,
)
def test_a_wrong_option_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        BackgroundScheduler(**options)


# -- job stores and executors by alias --------------------------------------------------------------------------------------


def test_jobs_go_to_the_store_and_the_executor_that_they_name(scheduler):
    held = Held()
    scheduler.add_executor(held, "held")
    scheduler.add_jobstore(MemoryJobStore(), "other")
    scheduler.add_job(note, Every(5), id="j", jobstore="other", executor="held")
    scheduler.pass_time(5)
    [(submission, _)] = held.held
    assert (submission.job_id, submission.jobstore) == ("j", "other")
    held.end_all()
    assert [run.status for run in scheduler.get_runs("j", jobstore="other")] == ["succeeded"]
    assert scheduler.get_runs("j", jobstore="default") == []


@pytest.mark.parametrize("running", [False, True])
def test_stores_and_executors_are_added_by_name_with_their_options(running):
    scheduler = ManualScheduler()
    if running:
        scheduler.start()
    scheduler.recorder.clear()
    scheduler.add_executor("threadpool", "threads", max_workers=3)
    scheduler.add_jobstore("memory", "more")
    assert scheduler._lookup_executor("threads")._max_workers == 3
    assert type(scheduler._lookup_jobstore("more")) is MemoryJobStore
    assert [(e.code, e.alias) for e in scheduler.recorder] == [
        (EVENT_EXECUTOR_ADDED, "threads"),
        (EVENT_JOBSTORE_ADDED, "more"),
    ]
    if running:
        scheduler.shutdown()


def test_stores_and_executors_are_named_default_where_no_alias_is_given():
    scheduler = ManualScheduler()
    store, executor = MemoryJobStore(), Held()
    scheduler.add_jobstore(store)
    scheduler.add_executor(executor)
    scheduler.start()
    assert scheduler._jobstores == {"default": store}
    assert scheduler._executors == {"default": executor}
    scheduler.shutdown()


def test_an_alias_is_taken_once(scheduler):
    with pytest.raises(ValueError, match='already has a job store by the alias of "default"'):
        scheduler.add_jobstore("memory")
    with pytest.raises(ValueError, match='already has an executor by the alias of "default"'):
        scheduler.add_executor("debug")


def test_what_is_neither_a_part_nor_a_name_is_refused(scheduler):
    with pytest.raises(TypeError, match="Expected an executor instance or a string, got int instead"):
        scheduler.add_executor(5, "x")
    with pytest.raises(TypeError, match="Expected a job store instance or a string, got int instead"):
        scheduler.add_jobstore(5, "x")


@pytest.mark.parametrize(("shutdown", "calls"), [(True, [False]), (False, [])])
def test_an_executor_is_removed_and_shut_down_unless_told_not_to_be(scheduler, shutdown, calls):
    held = Held()
    scheduler.add_executor(held, "held")
    scheduler.recorder.clear()
    scheduler.remove_executor("held", shutdown=shutdown)
    assert held.shutdowns == calls
    assert [(e.code, e.alias) for e in scheduler.recorder] == [(EVENT_EXECUTOR_REMOVED, "held")]
    with pytest.raises(KeyError, match="No such executor: held"):
        scheduler.remove_executor("held")


@pytest.mark.parametrize("shutdown", [True, False])
@pytest.mark.parametrize("running", [True, False])
def test_a_store_is_removed_with_its_jobs_and_shut_down_unless_told_not_to_be(shutdown, running):
    scheduler = ManualScheduler()
    store = WaitingStore()
    scheduler.add_jobstore(store, "other")
    if running:
        scheduler.start()
        scheduler.add_job(note, Every(5), jobstore="other")
    scheduler.recorder.clear()
    scheduler.remove_jobstore("other", shutdown=shutdown)
    assert store.shutdowns == shutdown
    assert [(e.code, e.alias) for e in scheduler.recorder] == [(EVENT_JOBSTORE_REMOVED, "other")]
    with pytest.raises(KeyError, match="No such job store: other"):
        scheduler.remove_jobstore("other")
    if running:
        scheduler.pass_time(5)
        assert RAN == []
        scheduler.shutdown()


def test_a_store_that_is_removed_keeps_no_run_that_seems_to_go_on(scheduler):
    store, held = WaitingStore(), Held()
    scheduler.add_jobstore(store, "other")
    scheduler.add_executor(held, "held")
    scheduler.add_job(note, Every(5), id="j", jobstore="other", executor="held")
    scheduler.pass_time(5)
    scheduler.remove_jobstore("other")
    assert store.read_nodes() == []
    [run] = [r for r in scheduler.recorder if hasattr(r, "node")]
    assert run.job_id == "j"
    held.end_all()  # harms nothing


def test_a_store_that_does_not_start_is_not_added(scheduler):
    class Closed(MemoryJobStore):
        def start(self, scheduler, alias):
            raise OSError("closed")

    with pytest.raises(OSError, match="closed"):
        scheduler.add_jobstore(Closed(), "closed")
    assert set(scheduler._jobstores) == {"default"}


def test_an_executor_that_does_not_start_is_not_added(scheduler):
    class Closed(Held):
        def start(self, scheduler, alias):
            raise OSError("closed")

    with pytest.raises(OSError, match="closed"):
        scheduler.add_executor(Closed(), "closed")
    assert set(scheduler._executors) == {"default"}


def test_a_job_waits_for_a_store_that_is_added_later():
    scheduler = ManualScheduler()
    scheduler.add_job(note, Every(5), jobstore="later")
    scheduler.add_jobstore("memory", "later")
    scheduler.start()
    scheduler.pass_time(5)
    assert RAN == [None]
    scheduler.shutdown()


def test_a_process_pool_is_made_by_its_name():
    scheduler = BackgroundScheduler(executors={"p": {"type": "processpool", "max_workers": "2"}})
    assert type(scheduler._executors["p"]) is ProcessPoolExecutor


# -- plugins of other packages ------------------------------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A distribution of somebody else's, with a trigger, an executor and a job store."""
    (tmp_path / "lunar_parts.py").write_text(
        "from datetime import timedelta\n"
        "from apscheduler.triggers.base import BaseTrigger\n"
        "from apscheduler.executors.debug import DebugExecutor\n"
        "from apscheduler.jobstores.memory import MemoryJobStore\n"
        "class MoonTrigger(BaseTrigger):\n"
        "    def __init__(self, phase):\n"
        "        self.phase = phase\n"
        "    def get_next_fire_time(self, previous_fire_time, now):\n"
        "        return (previous_fire_time or now) + timedelta(seconds=28)\n"
        "class MoonExecutor(DebugExecutor):\n"
        "    pass\n"
        "class MoonStore(MemoryJobStore):\n"
        "    def __init__(self, crater='none'):\n"
        "        super().__init__()\n"
        "        self.crater = crater\n"
    )
    info = tmp_path / "lunar_parts-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lunar-parts\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[apscheduler.triggers]\nmoon = lunar_parts:MoonTrigger\nbroken_moon = lunar_parts:MoonStore\n"
        "[apscheduler.executors]\nmoon = lunar_parts:MoonExecutor\n"
        "[apscheduler.jobstores]\nmoon = lunar_parts:MoonStore\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    from apscheduler import _plugins

    monkeypatch.setattr(_plugins, "_found", {})


@pytest.mark.usefixtures("installed")
def test_parts_of_other_packages_are_found_by_their_registered_names():
    scheduler = ManualScheduler(
        {"apscheduler.jobstores.default.type": "moon", "apscheduler.jobstores.default.crater": "Tycho"},
        executors={"default": {"type": "moon"}},
    )
    scheduler.start()
    assert scheduler._jobstores["default"].crater == "Tycho"
    assert type(scheduler._executors["default"]).__name__ == "MoonExecutor"
    job = scheduler.add_job(note, "moon", phase="full")
    assert job.trigger.phase == "full"
    scheduler.pass_time(28)
    assert RAN == [None]
    scheduler.shutdown()


@pytest.mark.usefixtures("installed")
def test_a_trigger_of_another_package_that_takes_no_time_zone_is_given_none(scheduler):
    assert scheduler.add_job(note, "moon", phase="new").trigger.phase == "new"
    with pytest.raises(TypeError, match=r"fase \(did you mean phase\?\)"):
        scheduler.add_job(note, "moon", fase="new")


@pytest.mark.usefixtures("installed")
def test_a_plugin_of_a_wrong_kind_is_refused(scheduler):
    with pytest.raises(TypeError, match=r"trigger plugin 'broken_moon' .* is not a BaseTrigger"):
        scheduler.add_job(note, "broken_moon")
