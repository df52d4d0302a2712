"""The thread pool: its queue, its workers, pools that the caller brings."""

from __future__ import annotations

import concurrent.futures
import threading

import pytest

from apscheduler._core.claims import FAILED, SUCCEEDED
from apscheduler.executors.pool import BasePoolExecutor, ThreadPoolExecutor
from apscheduler.testing._jobs import PATIENCE, Gate, echo, nothing
from apscheduler.testing.executor import Bench


class CountingPool(concurrent.futures.ThreadPoolExecutor):
    """Counts what is handed to it, and how many of it run at once."""

    def __init__(self, workers):
        super().__init__(workers)
        self.submitted = 0

    def submit(self, fn, /, *args, **kwargs):
        self.submitted += 1
        return super().submit(fn, *args, **kwargs)


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open()


def submissions_of(bench, func, number, *args):
    return [bench.submission(func, *args, id=str(each)) for each in range(number)]


@pytest.mark.parametrize("workers", [0, -1, "x"])
def test_a_wrong_number_of_workers_is_refused(workers):
    """As in 3.x, with a ValueError."""
    with pytest.raises(ValueError):
        ThreadPoolExecutor(workers)


def test_the_number_of_workers_may_be_a_text():
    """As in 3.x, where it comes from configuration files."""
    executor = ThreadPoolExecutor("3")
    assert executor._pool._max_workers == 3
    executor.shutdown()


def test_arguments_of_the_pool_are_passed_on():
    executor = ThreadPoolExecutor(1, {"thread_name_prefix": "mine"})
    bench = Bench(executor)
    assert bench.run(lambda: threading.current_thread().name).retval.startswith("mine")
    executor.shutdown()


def test_a_batch_costs_at_most_one_hand_over_per_worker():
    pool = CountingPool(10)
    bench = Bench(BasePoolExecutor(pool))
    submissions = submissions_of(bench, nothing, 5000)
    bench.submit(*submissions)
    bench.wait(*submissions)
    bench.executor.shutdown()
    assert pool.submitted <= 10


def test_no_more_workers_run_than_were_asked_for(gate):
    bench = Bench(ThreadPoolExecutor(3))
    lock, running, most = threading.Lock(), 0, 0

    def count():
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        gate.enter()
        with lock:
            running -= 1

    submissions = submissions_of(bench, count, 20)
    bench.submit(*submissions)
    for _ in range(3):
        gate.wait_entered()
    gate.open()
    bench.wait(*submissions)
    bench.executor.shutdown()
    assert most == 3


def test_a_pool_that_is_shared_is_used_with_no_more_workers_than_asked_for(gate):
    pool = CountingPool(8)
    bench = Bench(BasePoolExecutor(pool, max_workers=2))
    submissions = submissions_of(bench, gate.enter, 10)
    bench.submit(*submissions)
    assert pool.submitted == 2
    gate.open()
    bench.wait(*submissions)
    bench.executor.shutdown()


def test_a_submission_that_comes_when_a_worker_is_about_to_leave_is_not_lost():
    """Many threads submit single jobs, so that the queue runs empty all the time."""
    bench = Bench(ThreadPoolExecutor(4))
    rounds = 300
    submissions = submissions_of(bench, nothing, 8 * rounds)
    start = threading.Barrier(8)

    def submit(part):
        start.wait(PATIENCE)
        for submission in part:
            bench.submit(submission)

    threads = [threading.Thread(target=submit, args=(submissions[first::8],)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    bench.wait(*submissions)
    assert bench.each_once(*submissions)
    assert len(bench.executor._pool._threads) <= 4
    bench.executor.shutdown()
    assert bench.executor._feed._workers == 0


def test_a_report_that_raises_costs_no_worker(caplog):
    bench = Bench(ThreadPoolExecutor(1))

    def broken(submission, outcome):
        raise RuntimeError("listener")

    bench.executor.submit([bench.submission(nothing)], broken)
    assert bench.run(echo).status == SUCCEEDED
    assert "Could not run or report job" in caplog.text
    bench.executor.shutdown()


def test_work_is_refused_while_the_last_workers_still_run(gate):
    """With all workers busy nothing asks the pool, which would have refused."""
    bench = Bench(ThreadPoolExecutor(1))
    first = bench.submission(gate.enter)
    bench.submit(first)
    gate.wait_entered()
    bench.executor.shutdown(wait=False)
    with pytest.raises(RuntimeError, match="after shutdown"):
        bench.submit(bench.submission(nothing))
    gate.open()
    bench.wait(first)
    assert bench.each_once(first)


def test_an_executor_can_be_started_again_after_a_shutdown():
    """In 3.x it refused everything from then on."""
    executor = ThreadPoolExecutor(2)
    for _ in range(2):
        bench = Bench(executor)
        assert bench.run(echo).status == SUCCEEDED
        executor.shutdown()


def test_a_pool_that_its_owner_has_shut_down_takes_nothing():
    pool = concurrent.futures.ThreadPoolExecutor(1)
    bench = Bench(BasePoolExecutor(pool))
    pool.shutdown()
    with pytest.raises(RuntimeError):
        bench.submit(*submissions_of(bench, nothing, 5))
    assert bench.reports == []


class FailingPool(concurrent.futures.ThreadPoolExecutor):
    """Has no more threads to give from a certain call on; `late` ones are started all the same, as the real one does
    when the system refuses a thread and another becomes free."""

    def __init__(self, good, late=False):
        super().__init__(4)
        self.good = good
        self.late = late

    def submit(self, fn, /, *args, **kwargs):
        self.good -= 1
        if self.good < 0:
            if self.late:
                super().submit(fn, *args, **kwargs).result(PATIENCE)
            raise RuntimeError("can't start new thread")
        return super().submit(fn, *args, **kwargs)


def test_when_threads_run_out_those_there_are_do_the_work():
    bench = Bench(BasePoolExecutor(FailingPool(good=1)))
    submissions = submissions_of(bench, nothing, 20)
    bench.submit(*submissions)
    bench.wait(*submissions)
    assert bench.each_once(*submissions)
    bench.executor.shutdown()
    assert bench.executor._feed._workers == 0


def test_a_worker_that_starts_although_its_pool_raised_is_counted_once():
    bench = Bench(BasePoolExecutor(FailingPool(good=0, late=True)))
    submissions = submissions_of(bench, nothing, 5)
    bench.submit(*submissions)
    bench.wait(*submissions)
    assert bench.each_once(*submissions)
    bench.executor.shutdown()
    assert bench.executor._feed._workers == 0


def test_what_others_have_queued_is_failed_when_no_worker_can_be_had():
    """Two threads submit to a pool that has no threads: each waits in the queue for the other's worker."""
    entered, released = threading.Semaphore(0), threading.Event()

    class Stuck(concurrent.futures.Executor):
        _max_workers = 2

        def submit(self, fn, /, *args, **kwargs):
            entered.release()
            assert released.wait(PATIENCE)
            raise RuntimeError("can't start new thread")

    bench = Bench(BasePoolExecutor(Stuck()))
    submissions = submissions_of(bench, nothing, 2)
    refused = []

    def submit(submission):
        try:
            bench.submit(submission)
        except RuntimeError:
            refused.append(submission)

    threads = [threading.Thread(target=submit, args=(submission,)) for submission in submissions]
    for thread in threads:
        thread.start()
        assert entered.acquire(timeout=PATIENCE)
    released.set()
    for thread in threads:
        thread.join(PATIENCE)
    failed = [submission for submission, outcome in bench.reports if outcome.status == FAILED]
    assert len(refused) + len(failed) == 2
    assert {*refused, *failed} == set(submissions)


def test_jobs_of_one_worker_run_in_the_order_of_their_submission():
    bench = Bench(ThreadPoolExecutor(1))
    order = []
    submissions = [bench.submission(order.append, number, id=str(number)) for number in range(100)]
    bench.submit(*submissions[:60])
    bench.submit(*submissions[60:])
    bench.wait(*submissions)
    assert order == list(range(100))
    bench.executor.shutdown()
