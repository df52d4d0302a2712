"""What `health()` tells a liveness probe."""

from __future__ import annotations

from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.testing.manual import ManualScheduler


def noop() -> None:
    pass


def test_a_scheduler_that_does_its_work_is_well(scheduler):
    scheduler.add_job(noop, "interval", seconds=10)
    health = scheduler.health()
    assert (health.ok, health.state, health.live_runs, health.lag, health.last_turn_age) == (
        True,
        "running",
        0,
        0,
        0,
    )
    assert health.stores["default"].ok


def test_the_age_of_the_last_turn_grows_until_it_is_a_fault(scheduler):
    scheduler.clock.advance(seconds=100)
    assert scheduler.health().last_turn_age == 100
    assert scheduler.health().ok
    scheduler.clock.advance(seconds=30)
    assert not scheduler.health().ok


def test_a_run_time_that_has_passed_unclaimed_is_a_lag(scheduler):
    scheduler.add_job(noop, "interval", seconds=10)
    scheduler.clock.advance(seconds=17)
    assert scheduler.health().lag == 7


def test_a_store_that_does_not_answer_is_named_with_its_error():
    class Failing(MemoryJobStore):
        broken = True

        def read_due(self, now, limit):
            if self.broken:
                raise OSError("no route to host")
            return super().read_due(now, limit)

    scheduler = ManualScheduler(jobstores={"default": Failing(), "other": MemoryJobStore()})
    scheduler.start()
    scheduler.turn()
    health = scheduler.health()
    assert not health.ok
    assert health.stores["default"].error == "OSError: no route to host"
    assert health.stores["default"].failing_since == scheduler.clock.now()
    assert health.stores["other"].ok
    scheduler._engine.registry.store("default").store.broken = False
    scheduler.pass_time(10, steps=2)
    assert scheduler.health().ok
    scheduler.shutdown()


def test_a_scheduler_that_is_stopped_is_not_well(scheduler):
    scheduler.shutdown()
    health = scheduler.health()
    assert (health.ok, health.state, health.loop_alive) == (False, "stopped", False)


def test_a_background_scheduler_knows_whether_its_thread_lives():
    scheduler = BackgroundScheduler()
    scheduler.start()
    assert scheduler.health().loop_alive
    scheduler.shutdown()
    assert not scheduler.health().loop_alive
