"""The executor on an event loop: which thread, what a shutdown cuts off, cancellations."""

from __future__ import annotations

import asyncio
import functools
import gc
import threading
from unittest.mock import AsyncMock

import pytest

from apscheduler._core.claims import FAILED, INTERRUPTED, SUCCEEDED
from apscheduler.executors._run_async import is_coroutine_function
from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.testing._jobs import COROUTINES, PATIENCE, Gate, aecho, araise_it, echo, nothing
from apscheduler.testing.executor import Bench, LoopThread


@pytest.fixture
def loop():
    loop = LoopThread()
    yield loop
    if not loop.loop.is_closed():
        assert loop.stop() == set()


@pytest.fixture
def bench(loop):
    bench = Bench(AsyncIOExecutor(), loop=loop.loop)
    yield bench
    bench.executor.shutdown()


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open()


def started_forever(bench, **options):
    """Submit a coroutine that only a cancellation ends; return its submission when it has started."""
    started = threading.Event()

    async def forever():
        started.set()
        await asyncio.Event().wait()

    submission = bench.submission(forever, **options)
    bench.submit(submission)
    assert started.wait(PATIENCE)
    return submission


def statuses(bench, submission):
    return [outcome.status for outcome in bench.outcomes(submission)]


# -- what is a coroutine function ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in COROUTINES if not kind.startswith("plain")])
def test_what_is_awaited(kind):
    assert is_coroutine_function(COROUTINES[kind])


def test_a_mock_of_a_coroutine_function_is_awaited():
    assert is_coroutine_function(AsyncMock())


@pytest.mark.parametrize(
    "func", [nothing, functools.partial(nothing), int, print, [].append, AsyncIOExecutor]
)
def test_what_is_not_awaited(func):
    assert not is_coroutine_function(func)


# -- threads ------------------------------------------------------------------------------------------------------


def test_a_coroutine_runs_on_the_loop_and_a_plain_function_in_its_threads(bench, loop):
    async def where():
        return threading.current_thread()

    assert bench.run(where).retval is loop.thread
    assert bench.run(threading.current_thread).retval is not loop.thread


def test_a_coroutine_that_a_plain_function_returns_is_awaited_on_the_loop(bench, loop):
    """What it uses may belong to that loop. In 3.x nobody awaited it."""

    async def where():
        return threading.current_thread()

    assert bench.run(lambda: where()).retval is loop.thread


@pytest.mark.parametrize("func", [aecho, echo])
def test_outcomes_are_reported_on_the_thread_of_the_loop(bench, loop, func):
    """As in 3.x: a listener may use what belongs to the loop."""
    threads = []
    done = threading.Event()

    def report(submission, outcome):
        threads.append(threading.current_thread())
        done.set()

    bench.executor.submit([bench.submission(func)], report)
    assert done.wait(PATIENCE)
    assert threads == [loop.thread]


def test_plain_functions_use_no_more_threads_than_the_loops_pool_has(bench, loop, gate):
    import concurrent.futures

    pool = concurrent.futures.ThreadPoolExecutor(2)
    loop.call(loop.loop.set_default_executor, pool)
    submissions = [bench.submission(gate.enter, id=str(number)) for number in range(20)]
    bench.submit(*submissions)
    gate.wait_entered()
    gate.wait_entered()
    assert pool._work_queue.qsize() == 0
    gate.open()
    bench.wait(*submissions)


def test_running_tasks_are_not_garbage(bench, loop):
    """The loop refers to its tasks only weakly."""
    futures = []
    started = threading.Event()

    async def wait():
        futures.append(asyncio.get_running_loop().create_future())
        started.set()
        return await futures[0]

    submission = bench.submission(wait)
    bench.submit(submission)
    assert started.wait(PATIENCE)
    gc.collect()
    loop.call(lambda: futures[0].set_result("kept"))
    assert bench.outcomes(submission)[0].retval == "kept"


# -- the end ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wait", [True, False])
def test_a_shutdown_interrupts_coroutines_whether_it_waits_or_not(bench, wait):
    """In 3.x they are cancelled in both cases, too, but told as errors after the scheduler's own end."""
    submission = started_forever(bench, late=[1, 0])
    bench.executor.shutdown(wait)
    assert statuses(bench, submission) == [INTERRUPTED, INTERRUPTED]
    first, second = bench.outcomes(submission)
    assert first.reason == "the executor was shut down"
    assert (first.started is None, second.started is None) == (False, True)


def test_what_a_shutdown_interrupts_is_reported_before_it_returns(bench, loop):
    """The loop may be stopped right after it, as in `finally: scheduler.shutdown()`."""
    submission = started_forever(bench)

    def stop():
        bench.executor.shutdown()
        return [outcome.status for _, outcome in bench.reports]

    assert loop.call(stop) == [INTERRUPTED]
    assert bench.each_once(submission)


def test_a_coroutine_that_goes_on_after_its_cancellation_is_reported_once(bench):
    started = threading.Event()

    async def stubborn():
        try:
            started.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "finished all the same"

    submission = bench.submission(stubborn, late=[1, 0])
    bench.submit(submission)
    assert started.wait(PATIENCE)
    bench.executor.shutdown()
    assert statuses(bench, submission) == [INTERRUPTED, INTERRUPTED]
    assert bench.each_once(submission)


def test_a_function_in_a_thread_is_not_waited_for_but_reported_when_it_ends(bench, gate):
    """In 3.x nobody heard of it again."""
    submission = bench.submission(gate.enter)
    bench.submit(submission)
    gate.wait_entered()
    bench.executor.shutdown()
    assert bench.reports == []
    gate.open()
    assert bench.outcomes(submission)[0].retval == "through"


def test_a_function_that_ends_when_the_loop_is_gone_is_reported(bench, loop, gate):
    submission = bench.submission(gate.enter)
    bench.submit(submission)
    gate.wait_entered()
    loop.loop.call_soon_threadsafe(loop.loop.stop)
    loop.thread.join(PATIENCE)
    bench.executor.shutdown()
    loop.loop.close()
    gate.open()
    assert bench.outcomes(submission)[0].retval == "through"


def test_a_returned_coroutine_is_interrupted_by_the_shutdown(bench):
    started = threading.Event()

    async def forever():
        started.set()
        await asyncio.Event().wait()

    submission = bench.submission(lambda: forever())
    bench.submit(submission)
    assert started.wait(PATIENCE)
    bench.executor.shutdown()
    assert statuses(bench, submission) == [INTERRUPTED]


def test_a_shutdown_of_a_loop_that_has_stopped_returns(bench, loop):
    submission = started_forever(bench)
    loop.loop.call_soon_threadsafe(loop.loop.stop)
    loop.thread.join(PATIENCE)
    bench.executor.shutdown()
    assert statuses(bench, submission) == [INTERRUPTED]
    loop.loop.run_until_complete(asyncio.sleep(0))
    loop.loop.close()
    assert bench.each_once(submission)


def test_what_is_handed_to_the_loop_when_the_shutdown_comes_is_interrupted(bench, loop):
    held, go = threading.Event(), threading.Event()

    def hold():
        held.set()
        assert go.wait(PATIENCE)

    loop.loop.call_soon_threadsafe(hold)
    assert held.wait(PATIENCE)
    submissions = [bench.submission(aecho), bench.submission(echo)]
    bench.submit(*submissions)
    bench.executor.shutdown(wait=False)
    go.set()
    for submission in submissions:
        assert statuses(bench, submission) == [INTERRUPTED]


def test_a_closed_loop_refuses(loop):
    bench = Bench(AsyncIOExecutor(), loop=loop.loop)
    loop.stop()
    with pytest.raises(RuntimeError):
        bench.submit(bench.submission(aecho))
    assert bench.reports == []


def test_it_can_be_started_again_on_another_loop(bench):
    bench.executor.shutdown()
    other = LoopThread()
    again = Bench(bench.executor, loop=other.loop)
    assert again.run(aecho).status == again.run(echo).status == SUCCEEDED
    again.executor.shutdown()
    other.stop()


# -- cancellations ------------------------------------------------------------------------------------------------


def test_a_cancellation_that_the_job_raises_is_a_failure_and_no_end(bench):
    submission = bench.submission(araise_it, asyncio.CancelledError, "own", late=[1, 0])
    bench.submit(submission)
    assert statuses(bench, submission) == [FAILED, FAILED]
    assert bench.outcomes(submission)[0].error == "CancelledError: own"


def test_a_job_that_awaits_a_cancelled_task_has_failed(bench):
    async def await_cancelled():
        task = asyncio.ensure_future(asyncio.Event().wait())
        task.cancel()
        await task

    assert bench.run(await_cancelled).status == FAILED


def test_a_timeout_inside_the_job_is_a_failure(bench):
    async def too_long():
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    assert bench.run(too_long).error == "TimeoutError"


def test_a_cancellation_from_outside_interrupts_the_run_and_those_after_it(bench, loop):
    """As when `asyncio.run()` ends and cancels whatever is left."""
    submission = started_forever(bench, late=[1, 0])
    loop.call(lambda: [task.cancel() for task in bench.executor._runs])
    assert statuses(bench, submission) == [INTERRUPTED, INTERRUPTED]
    assert bench.outcomes(submission)[0].reason == "its task was cancelled"
    assert bench.run(aecho).status == SUCCEEDED


def test_a_task_that_is_cancelled_before_it_begins_is_interrupted(bench, loop):
    submission = bench.submission(aecho)

    def submit_and_cancel():
        bench.submit(submission)
        for task in bench.executor._runs:
            task.cancel()

    loop.call(submit_and_cancel)
    assert statuses(bench, submission) == [INTERRUPTED]


def test_a_job_that_swallows_its_cancellation_has_ended_but_no_further_run_starts(bench, loop):
    started = threading.Event()

    async def stubborn():
        try:
            started.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "finished all the same"

    submission = bench.submission(stubborn, late=[1, 0])
    bench.submit(submission)
    assert started.wait(PATIENCE)
    loop.call(lambda: [task.cancel() for task in bench.executor._runs])
    assert statuses(bench, submission) == [SUCCEEDED, INTERRUPTED]


def test_a_report_that_raises_is_logged_and_the_others_come(bench, caplog):
    def broken(submission, outcome):
        raise RuntimeError("listener")

    for func in (aecho, echo):
        bench.executor.submit([bench.submission(func)], broken)
    assert bench.run(echo).status == bench.run(aecho).status == SUCCEEDED
    bench.executor.shutdown()
    assert caplog.text.count("RuntimeError: listener") == 2
