"""The debug executor: in the caller's thread, during the call."""

from __future__ import annotations

import asyncio
import contextvars
import threading

from apscheduler._core.claims import FAILED, SUCCEEDED
from apscheduler.executors.debug import DebugExecutor
from apscheduler.testing._jobs import aecho, araise_it, nothing
from apscheduler.testing.executor import Bench


def test_a_job_runs_in_the_callers_thread_before_submit_returns():
    bench = Bench(DebugExecutor())
    submission = bench.submission(threading.current_thread)
    bench.submit(submission)
    ((_, outcome),) = bench.reports
    assert outcome.retval is threading.current_thread()


def test_submissions_run_in_their_order():
    bench = Bench(DebugExecutor())
    submissions = [bench.submission(nothing, id=str(number)) for number in range(10)]
    bench.submit(*submissions)
    assert [submission for submission, _ in bench.reports] == submissions


def test_a_coroutine_runs_where_a_loop_is_running_already():
    variable = contextvars.ContextVar("variable", default="not seen")

    async def read():
        return variable.get()

    async def main():
        variable.set("seen")
        bench = Bench(DebugExecutor())
        return bench.run(aecho, 1), bench.run(read), bench.run(araise_it, ValueError, "inside")

    value, context, error = asyncio.run(main())
    assert (value.status, value.retval) == (SUCCEEDED, ((1,), {}))
    assert context.retval == "seen"
    assert (error.status, error.error) == (FAILED, "ValueError: inside")
    assert error.traceback.count('  File "') == 1


def test_a_report_that_raises_does_not_keep_the_others_from_running(caplog):
    bench = Bench(DebugExecutor())
    calls = []

    def broken(submission, outcome):
        raise RuntimeError("listener")

    bench.executor.submit([bench.submission(calls.append, number) for number in range(3)], broken)
    assert calls == [0, 1, 2]
    assert "Could not report job" in caplog.text


def test_it_can_be_started_again_after_a_shutdown():
    executor = DebugExecutor()
    Bench(executor).executor.shutdown()
    assert Bench(executor).run(nothing).status == SUCCEEDED
