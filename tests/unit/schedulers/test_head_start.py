"""A scheduler with a thread of its own begins a turn before the run time, and no run begins before it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from apscheduler._clock import SYSTEM, Clock
from apscheduler.executors.debug import DebugExecutor
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.testing._bench import Bench
from apscheduler.testing.clock import FakeClock
from apscheduler.testing.manual import ManualScheduler
from apscheduler.triggers.base import BaseTrigger

HEAD_START = 0.25
RAN: list[datetime] = []


class WaitingClock(FakeClock):
    """Stands still, and goes on to where it is held."""

    head_start = HEAD_START

    def __init__(self) -> None:
        super().__init__()
        self.held: list[float] = []

    def hold(self, until: float) -> None:
        self.held.append(until)
        self.advance(seconds=max(until - self.time(), 0.0))


class EarlyScheduler(ManualScheduler):
    """Begins its turns early, as one that owns its thread does."""

    def _head_start(self) -> float:
        return self.clock.head_start


class HoldingExecutor(DebugExecutor):
    """Says that it holds runs back, and keeps the times at which it was handed something."""

    holds_back = True

    def __init__(self) -> None:
        self.handed: list[datetime] = []

    def submit(self, submissions, report) -> None:
        self.handed.append(self.clock.now())
        super().submit(submissions, report)


class RoundingUp(BaseTrigger):
    """Fires at the next whole ten seconds; asked at one of them it answers with that."""

    def get_next_fire_time(self, previous_fire_time, now):
        return datetime.fromtimestamp(math.ceil(now.timestamp() / 10) * 10, UTC)


class WaitingStore(MemoryJobStore):
    """One whose calls a scheduler takes for slow."""

    blocks = True


def note() -> None:
    RAN.append(SCHEDULER[0].clock.now())


SCHEDULER: list[ManualScheduler] = []


@pytest.fixture
def scheduler():
    RAN.clear()
    scheduler = EarlyScheduler(clock=WaitingClock())
    SCHEDULER[:] = [scheduler]
    scheduler.start()
    yield scheduler
    scheduler.shutdown()


def in_(scheduler, seconds: float) -> datetime:
    return scheduler.clock.now() + timedelta(seconds=seconds)


def test_a_turn_is_asked_for_a_head_start_before_the_run_time(scheduler) -> None:
    scheduler.add_job(note, "date", run_date=in_(scheduler, 10))
    assert scheduler.turn() == pytest.approx(10 - HEAD_START)


def test_a_turn_that_begins_early_starts_the_run_at_its_time(scheduler) -> None:
    due = in_(scheduler, 10)
    scheduler.add_job(note, "date", run_date=due)
    scheduler.clock.advance(seconds=9.8)
    scheduler.turn()
    (ran,) = RAN
    assert timedelta(0) <= ran - due <= timedelta(microseconds=1)
    (run,) = scheduler.get_runs()
    assert run.started_at >= due


def test_a_turn_earlier_than_that_starts_nothing(scheduler) -> None:
    scheduler.add_job(note, "date", run_date=in_(scheduler, 10))
    scheduler.clock.advance(seconds=9.7)
    assert scheduler.turn() == pytest.approx(0.05)
    assert not RAN
    assert not scheduler.clock.held


def test_only_what_is_due_first_is_begun_early(scheduler) -> None:
    first = in_(scheduler, 10)
    for milliseconds in (0, 100, 200):
        scheduler.add_job(note, "date", run_date=first + timedelta(milliseconds=milliseconds))
    scheduler.clock.advance(seconds=9.8)
    assert scheduler.turn() == 0.0  # the next one is within the head start
    assert [ran - first < timedelta(milliseconds=1) for ran in RAN] == [True]
    scheduler.turn()
    scheduler.turn()
    late = [ran - first - timedelta(milliseconds=each) for ran, each in zip(RAN, (0, 100, 200), strict=True)]
    assert all(timedelta(0) <= each <= timedelta(microseconds=1) for each in late)


def test_what_is_late_already_is_not_held(scheduler) -> None:
    scheduler.add_job(note, "date", run_date=in_(scheduler, 10))
    scheduler.add_job(note, "date", run_date=in_(scheduler, 10.1))
    scheduler.clock.advance(seconds=10.05)
    scheduler.turn()
    assert len(RAN) == 1
    assert not scheduler.clock.held


def test_an_executor_that_holds_runs_back_is_handed_them_early(scheduler) -> None:
    executor = HoldingExecutor()
    scheduler.add_executor(executor, "own")
    due = in_(scheduler, 10)
    scheduler.add_job(note, "date", run_date=due, executor="own")
    scheduler.clock.advance(seconds=9.8)
    scheduler.turn()
    assert executor.handed == [due - timedelta(seconds=0.2)]


@pytest.mark.parametrize("hook", ["submit", "_do_submit_job"])
def test_an_executor_that_submits_in_its_own_way_is_handed_nothing_early(hook: str) -> None:
    own = type("Own", (ThreadPoolExecutor,), {hook: lambda self, *_: None})
    assert ThreadPoolExecutor.holds_back
    assert not own.holds_back


def test_a_store_that_has_to_be_waited_for_is_not_asked_early(scheduler) -> None:
    scheduler.add_jobstore(WaitingStore(), "slow")
    scheduler.add_job(note, "date", run_date=in_(scheduler, 10), jobstore="slow")
    assert scheduler.turn() == pytest.approx(10)
    scheduler.clock.advance(seconds=9.8)
    scheduler.turn()
    assert not RAN


def test_a_trigger_is_asked_after_its_run_time_also_in_a_turn_that_began_early(scheduler) -> None:
    scheduler.clock.advance(seconds=5)
    job = scheduler.add_job(note, RoundingUp())
    due = job.next_run_time
    scheduler.clock.advance(seconds=4.8)
    scheduler.turn()
    assert len(RAN) == 1
    assert scheduler.get_job(job.id).next_run_time == due + timedelta(seconds=10)


def test_who_shares_a_thread_begins_no_turn_early() -> None:
    scheduler = ManualScheduler(clock=WaitingClock())
    SCHEDULER[:] = [scheduler]
    scheduler.start()
    scheduler.add_job(note, "date", run_date=in_(scheduler, 10))
    assert scheduler.turn() == pytest.approx(10)
    scheduler.shutdown()


def test_a_worker_of_a_pool_waits_for_the_run_time_of_what_it_was_handed_early() -> None:
    bench = Bench(ThreadPoolExecutor(1), WaitingClock())
    outcome = bench.run(len, "x", late=[-0.2])
    assert outcome.started == pytest.approx(bench.clock.time())
    assert bench.clock.held == [outcome.started]
    bench.executor.shutdown()


def test_no_run_begins_early_on_the_system_clock() -> None:
    started: list[tuple[float, float]] = []
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.start(paused=True)
    base = datetime.now(UTC) + timedelta(seconds=0.1)
    for number in range(200):
        due = base + timedelta(milliseconds=number)
        scheduler.add_job(
            lambda stamp: started.append((SYSTEM.time(), stamp)),
            "date",
            run_date=due,
            args=[due.timestamp()],
            misfire_grace_time=None,
        )
    scheduler.resume()
    deadline = SYSTEM.monotonic() + 30
    while len(started) < 200 and SYSTEM.monotonic() < deadline:
        SYSTEM.hold(SYSTEM.time() + SYSTEM.head_start)
    scheduler.shutdown()
    assert len(started) == 200
    assert min(at - stamp for at, stamp in started) >= 0.0


class TestHolding:
    def test_it_ends_no_earlier_than_asked_for(self) -> None:
        for _ in range(20):
            until = SYSTEM.time() + SYSTEM.head_start
            SYSTEM.hold(until)
            assert SYSTEM.time() >= until

    @pytest.mark.parametrize("seconds", [-1.0, 0.0, 3600.0])
    def test_the_past_and_a_far_future_are_not_waited_for(self, seconds: float, monkeypatch) -> None:
        monkeypatch.setattr("apscheduler._clock._time.sleep", lambda _: pytest.fail("it slept"))
        SYSTEM.hold(SYSTEM.time() + seconds)

    def test_a_clock_that_is_set_back_ends_it(self) -> None:
        class SetBack(Clock):
            head_start = 0.25
            times = iter([100.0, 40.0])

            def time(self) -> float:
                return next(self.times)

        SetBack().hold(100.0002)
