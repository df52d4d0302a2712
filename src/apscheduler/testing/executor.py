"""What every executor promises, as tests: subclass `ExecutorContract` and say how yours is made.

    class TestMyExecutor(ExecutorContract):
        def make_executor(self):
            return MyExecutor()

No scheduler is needed: a stand-in gives an executor what it may ask of one. The attributes of the class say what an
executor cannot do; the tests of that are skipped.
"""

from __future__ import annotations

# ruff: noqa: D102 - the names of the tests are sentences
import asyncio
import gc
import multiprocessing
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from apscheduler._clock import SYSTEM
from apscheduler._core.claims import FAILED, INTERRUPTED, MISSED, SUCCEEDED
from apscheduler.testing import _jobs
from apscheduler.testing._bench import Bench, LoopThread, StandIn
from apscheduler.testing._jobs import PATIENCE, FileGate, Gate
from apscheduler.testing.clock import FakeClock

if TYPE_CHECKING:
    from apscheduler.executors.base import BaseExecutor, Outcome, Submission

__all__ = ("Bench", "ExecutorContract", "LoopThread", "StandIn")

SHORT = 0.05
"""Seconds that a test waits for something that must not happen."""


class ExecutorContract:
    """The promises of `apscheduler.executors.base`. A subclass overrides `make_executor()`."""

    uses_clock = True
    """Whether lateness is judged by the scheduler's clock; else by the system's."""
    same_process = True
    """Whether jobs run in this process, so that they may be handed what cannot be pickled."""
    concurrent = True
    """Whether `submit()` returns before the job has ended."""
    waits_on_shutdown = True
    """Whether `shutdown(wait=True)` lets the submissions at hand end; else they are interrupted."""
    runs_coroutines = True
    """Whether coroutine functions can be jobs."""
    many = 10_000
    """How many submissions are many."""

    def make_executor(self) -> BaseExecutor:
        """Return a new executor, not started, that runs at least two jobs at once if it is concurrent."""
        raise NotImplementedError

    def make_bench(self, executor: BaseExecutor) -> Bench:
        """Return a bench on which `executor` is started."""
        return Bench(executor, FakeClock() if self.uses_clock else SYSTEM)

    @pytest.fixture
    def executor(self) -> Iterator[BaseExecutor]:
        """An executor for the tests that do not end it; a subclass may share one among them."""
        executor = self.make_executor()
        yield executor
        executor.shutdown()

    @pytest.fixture
    def bench(self, executor: BaseExecutor) -> Bench:
        """An executor that the test does not end."""
        return self.make_bench(executor)

    @pytest.fixture
    def fresh(self) -> Iterator[Bench]:
        """An executor of the test's own."""
        bench = self.make_bench(self.make_executor())
        yield bench
        bench.executor.shutdown()

    @pytest.fixture
    def gate(self, tmp_path: Path) -> Iterator[Gate]:
        """Where jobs wait until the test opens it; it is open when the test ends."""
        gate = Gate() if self.same_process else FileGate(tmp_path)
        yield gate
        gate.open()

    def need(self, capability: bool) -> None:
        """Skip the test where the executor does not promise what it is about."""
        if not capability:
            pytest.skip("this executor does not promise it")

    # -- runs and their outcomes --------------------------------------------------------------------------------

    def test_a_run_that_returns_has_succeeded_with_its_value(self, bench: Bench) -> None:
        outcome = bench.run(_jobs.echo, 1, "two", key=[3])
        assert outcome.status == SUCCEEDED
        assert outcome.retval == ((1, "two"), {"key": [3]})
        assert outcome.started is not None
        assert outcome.started <= outcome.finished
        assert (outcome.exception, outcome.error, outcome.traceback) == (None, None, None)

    def test_the_run_times_of_a_submission_are_reported_once_each_in_order(self, bench: Bench) -> None:
        submission = bench.submission(_jobs.nothing, late=[4, 3, 2, 1, 0])
        bench.submit(submission)
        assert [outcome.index for outcome in bench.outcomes(submission)] == [0, 1, 2, 3, 4]
        assert bench.each_once(submission)

    def test_a_failure_does_not_keep_later_run_times_from_running(self, bench: Bench, tmp_path: Path) -> None:
        submission = bench.submission(_jobs.fail_on_third, str(tmp_path / "calls"), late=[3, 2, 1, 0])
        bench.submit(submission)
        outcomes = bench.outcomes(submission)
        assert [outcome.status for outcome in outcomes] == [SUCCEEDED, SUCCEEDED, FAILED, SUCCEEDED]
        assert [outcome.retval for outcome in outcomes] == [1, 2, None, 4]

    @pytest.mark.parametrize(
        "exc",
        [
            ValueError,
            SystemExit,
            KeyboardInterrupt,
            GeneratorExit,
            StopIteration,
            asyncio.CancelledError,
            _jobs.OddError,
        ],
    )
    def test_whatever_a_job_raises_is_a_failure_of_that_run(
        self, bench: Bench, exc: type[BaseException]
    ) -> None:
        submission = bench.submission(_jobs.raise_it, exc, "because", late=[1, 0])
        bench.submit(submission)
        for outcome in bench.outcomes(submission):
            assert outcome.status == FAILED
            assert outcome.error == f"{exc.__name__}: because"
            assert "in raise_it" in (outcome.traceback or "")
            assert type(outcome.exception) is exc
        assert bench.run(_jobs.echo).status == SUCCEEDED

    def test_the_traceback_begins_in_the_job(self, bench: Bench) -> None:
        outcome = bench.run(_jobs.raise_it, ValueError)
        assert outcome.traceback is not None
        assert outcome.traceback.count('  File "') == 1

    def test_a_call_with_wrong_arguments_is_a_failure(self, bench: Bench) -> None:
        submission = bench.submission(_jobs.echo)
        submission.func, submission.args = _jobs.nothing, (1,)
        submission.job.func, submission.job.args = _jobs.nothing, (1,)  # where executors of 3.x look
        bench.submit(submission)
        (outcome,) = bench.outcomes(submission)
        assert (outcome.status, isinstance(outcome.exception, TypeError)) == (FAILED, True)

    def test_an_exception_without_a_text_is_reported_all_the_same(self, bench: Bench) -> None:
        outcome = bench.run(_jobs.raise_it, _jobs.SpeechlessError)
        assert outcome.status == FAILED
        assert (outcome.error or "").startswith("SpeechlessError")

    def test_an_endless_recursion_is_reported(self, bench: Bench) -> None:
        outcome = bench.run(_jobs.recurse, 0)
        assert (outcome.error or "").startswith("RecursionError")
        assert bench.run(_jobs.echo).status == SUCCEEDED

    def test_a_huge_message_is_one_line_of_bounded_length(self, bench: Bench) -> None:
        outcome = bench.run(_jobs.raise_it, ValueError, "line\n" * 200_000)
        assert outcome.status == FAILED
        assert "\n" not in (outcome.error or "\n")
        assert len(outcome.error or "") <= 1000

    # -- lateness -----------------------------------------------------------------------------------------------

    def test_a_run_that_starts_within_its_grace_time_runs(self, bench: Bench) -> None:
        assert bench.run(_jobs.nothing, late=[5], grace=5 if self.uses_clock else 60).status == SUCCEEDED

    def test_a_run_that_starts_after_its_grace_time_is_missed(self, bench: Bench, tmp_path: Path) -> None:
        calls = tmp_path / "calls"
        late = 5.001 if self.uses_clock else 60
        outcome = bench.run(_jobs.fail_on_third, str(calls), late=[late], grace=5)
        assert (outcome.status, outcome.started, calls.exists()) == (MISSED, None, False)

    def test_without_a_grace_time_no_run_is_too_late(self, bench: Bench) -> None:
        assert bench.run(_jobs.nothing, late=[1e8], grace=None).status == SUCCEEDED

    def test_lateness_is_judged_for_each_run_time(self, bench: Bench) -> None:
        submission = bench.submission(_jobs.nothing, late=[300, 200, 10, 0], grace=100)
        bench.submit(submission)
        statuses = [outcome.status for outcome in bench.outcomes(submission)]
        assert statuses == [MISSED, MISSED, SUCCEEDED, SUCCEEDED]

    def test_lateness_is_judged_when_the_run_starts(self, bench: Bench) -> None:
        self.need(self.uses_clock and self.same_process)
        clock = bench.clock
        assert isinstance(clock, FakeClock)

        def take_long() -> None:
            clock.advance(seconds=10)

        submission = bench.submission(take_long, late=[1, 0], grace=5)
        bench.submit(submission)
        assert [outcome.status for outcome in bench.outcomes(submission)] == [SUCCEEDED, MISSED]

    def test_a_run_that_is_handed_over_early_begins_at_its_time(self, executor: BaseExecutor) -> None:
        self.need(executor.holds_back)
        bench = Bench(executor, SYSTEM)
        for _ in range(20):
            submission = bench.submission(_jobs.nothing, late=[-SYSTEM.head_start])
            bench.submit(submission)
            (outcome,) = bench.outcomes(submission)
            assert outcome.started is not None
            assert outcome.started >= submission.stamps[0]

    # -- coroutines ---------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("kind", _jobs.COROUTINES)
    def test_a_coroutine_is_run_to_its_end(self, bench: Bench, kind: str) -> None:
        self.need(self.runs_coroutines)
        assert bench.run(_jobs.COROUTINES[kind], 7).retval == ((7,), {})

    @pytest.mark.parametrize(
        "exc", [ValueError, SystemExit, KeyboardInterrupt, asyncio.CancelledError, _jobs.OddError]
    )
    def test_whatever_a_coroutine_raises_is_a_failure_of_that_run(
        self, bench: Bench, exc: type[BaseException]
    ) -> None:
        self.need(self.runs_coroutines)
        submission = bench.submission(_jobs.araise_it, exc, "because", late=[1, 0])
        bench.submit(submission)
        for outcome in bench.outcomes(submission):
            assert (outcome.status, type(outcome.exception)) == (FAILED, exc)
            assert "in araise_it" in (outcome.traceback or "")
        assert bench.run(_jobs.aecho).status == SUCCEEDED

    # -- what is kept of a run ----------------------------------------------------------------------------------

    @pytest.mark.parametrize("name", ["fail_holding", "afail_holding"])
    def test_a_failure_keeps_no_local_variable_of_the_job_alive(self, bench: Bench, name: str) -> None:
        self.need(self.same_process and (self.runs_coroutines or name == "fail_holding"))
        watched: list[weakref.ref[Any]] = []
        outcome = bench.run(getattr(_jobs, name), watched)
        assert outcome.exception is not None
        self._eventually(lambda: [ref() for ref in watched] == [None] * len(watched))
        assert len(watched) >= 2

    def test_an_executor_keeps_no_submission_and_no_value(self, bench: Bench) -> None:
        self.need(self.same_process)
        thing, given = _jobs.Thing(), _jobs.Thing()
        watched = [weakref.ref(thing), weakref.ref(given)]
        submission = bench.submission(lambda held, _: held.pop(), [thing], given)
        bench.submit(submission)
        assert bench.outcomes(submission)[0].retval is thing
        bench.reports.clear()
        del thing, given, submission
        self._eventually(lambda: [ref() for ref in watched] == [None, None])

    # -- reports ------------------------------------------------------------------------------------------------

    def test_many_submissions_are_reported_once_each(self, bench: Bench) -> None:
        submissions = [bench.submission(_jobs.nothing, id=str(number)) for number in range(self.many)]
        for start in range(0, self.many, 1000):
            bench.submit(*submissions[start : start + 1000])
        bench.wait(*submissions)
        assert bench.each_once(*submissions)

    def test_threads_may_submit_at_the_same_time(self, bench: Bench) -> None:
        submissions = [bench.submission(_jobs.nothing, id=str(number)) for number in range(80)]
        threads = [
            threading.Thread(target=lambda part=submissions[start::8]: list(map(bench.submit, part)))
            for start in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        bench.wait(*submissions)
        assert bench.each_once(*submissions)

    def test_a_report_may_submit(self, bench: Bench) -> None:
        first, second = bench.submission(_jobs.nothing), bench.submission(_jobs.nothing, id="second")

        def report(submission: Submission, outcome: Outcome) -> None:
            bench.submit(second)
            bench.report(submission, outcome)

        bench.executor.submit([first], report)
        bench.wait(first, second)
        assert bench.each_once(first, second)

    def test_a_job_may_submit(self, bench: Bench) -> None:
        self.need(self.same_process)
        second = bench.submission(_jobs.nothing, id="second")
        first = bench.submission(bench.submit, second)
        bench.submit(first)
        bench.wait(first, second)
        assert bench.each_once(first, second)

    def test_jobs_run_at_the_same_time(self, bench: Bench, gate: Gate) -> None:
        self.need(self.concurrent)
        submissions = [bench.submission(gate.enter, id=str(number)) for number in range(2)]
        bench.submit(*submissions)
        gate.wait_entered()
        gate.wait_entered()
        gate.open()
        bench.wait(*submissions)

    # -- the end ------------------------------------------------------------------------------------------------

    def test_shutdown_with_wait_returns_when_all_is_reported(self, fresh: Bench, gate: Gate) -> None:
        self.need(self.concurrent and self.waits_on_shutdown)
        submissions = [fresh.submission(gate.enter, id=str(number)) for number in range(30)]
        fresh.submit(*submissions)
        gate.wait_entered()
        stopping = threading.Thread(target=fresh.executor.shutdown)
        stopping.start()
        stopping.join(SHORT)
        assert stopping.is_alive()
        gate.open()
        stopping.join(PATIENCE)
        assert not stopping.is_alive()
        assert fresh.each_once(*submissions)

    def test_shutdown_without_wait_returns_at_once_and_nothing_is_lost(
        self, fresh: Bench, gate: Gate
    ) -> None:
        self.need(self.concurrent)
        submissions = [fresh.submission(gate.enter, id=str(number)) for number in range(30)]
        fresh.submit(*submissions)
        gate.wait_entered()
        fresh.executor.shutdown(wait=False)
        assert len(fresh.reports) < len(submissions) or not self.waits_on_shutdown
        gate.open()
        fresh.wait(*submissions)
        assert fresh.each_once(*submissions)
        statuses = {outcome.status for _, outcome in fresh.reports}
        assert statuses <= {SUCCEEDED} | (set() if self.waits_on_shutdown else {INTERRUPTED})

    def test_what_is_submitted_after_the_shutdown_is_refused(self, fresh: Bench) -> None:
        fresh.run(_jobs.nothing)
        fresh.reports.clear()
        fresh.executor.shutdown()
        submissions = [fresh.submission(_jobs.nothing, id=str(number)) for number in range(3)]
        try:
            fresh.submit(*submissions)
        except RuntimeError:
            assert fresh.reports == []
        else:
            assert {outcome.status for _, outcome in fresh.reports} == {FAILED}
            assert fresh.each_once(*submissions)

    def test_shutdown_may_be_repeated(self, fresh: Bench) -> None:
        fresh.run(_jobs.nothing)
        fresh.executor.shutdown()
        fresh.executor.shutdown()
        fresh.executor.shutdown(wait=False)

    def test_a_job_may_shut_its_executor_down(self, fresh: Bench) -> None:
        """3.x raised "cannot join current thread", and the scheduler was left half shut down."""
        self.need(self.same_process)
        assert fresh.run(fresh.executor.shutdown).status == SUCCEEDED

    def test_a_report_may_shut_the_executor_down(self, fresh: Bench) -> None:
        submission = fresh.submission(_jobs.nothing)

        def report(submission: Submission, outcome: Outcome) -> None:
            fresh.executor.shutdown()
            fresh.report(submission, outcome)

        fresh.executor.submit([submission], report)
        fresh.wait(submission)

    def test_nothing_is_left_behind(self) -> None:
        threads = set(threading.enumerate())
        children = set(multiprocessing.active_children())
        bench = self.make_bench(self.make_executor())
        submissions = [bench.submission(_jobs.nothing, id=str(number)) for number in range(50)]
        bench.submit(*submissions)
        bench.wait(*submissions)
        self.end(bench)
        self._eventually(lambda: set(threading.enumerate()) <= threads)
        self._eventually(lambda: set(multiprocessing.active_children()) <= children)

    def end(self, bench: Bench) -> None:
        """Shut the executor down, and what `make_bench()` has started for it."""
        bench.executor.shutdown()

    def _eventually(self, condition: Any) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end
            gc.collect(0)
            time.sleep(0.001)
