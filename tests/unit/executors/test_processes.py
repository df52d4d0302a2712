"""The process pool: what can be sent, workers that die, the queue in the parent."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from apscheduler._core.claims import FAILED, SUCCEEDED
from apscheduler.executors.pool import BasePoolExecutor, ProcessPoolExecutor
from apscheduler.testing._jobs import PATIENCE, FileGate, echo, nothing
from apscheduler.testing.executor import Bench


@pytest.fixture(scope="module")
def executor():
    executor = ProcessPoolExecutor(2)
    yield executor
    executor.shutdown()


@pytest.fixture
def bench(executor):
    return Bench(executor)


@contextlib.contextmanager
def own_bench(*args, **kwargs):
    bench = Bench(ProcessPoolExecutor(*args, **kwargs))
    try:
        yield bench
    except BaseException:
        for child in multiprocessing.active_children():  # a worker that hangs would hang the test run
            child.kill()
        raise
    finally:
        bench.executor.shutdown()


class PickyError(Exception):
    """Cannot be rebuilt from its args, which in 3.x broke the pool and failed whatever else ran in it."""

    def __init__(self, first, second):
        super().__init__(first)
        self.second = second


def raise_picky():
    raise PickyError("one", "two")


def raise_unpicklable():
    exc = ValueError("holds a lock")
    exc.lock = threading.Lock()
    raise exc


def return_lock():
    return threading.Lock()


class Explosive:
    """Can be pickled, but not rebuilt in the process that made it."""

    def __init__(self, pid):
        self.pid = pid

    def __reduce__(self):
        return Explosive.rebuild, (self.pid,)

    @staticmethod
    def rebuild(pid):
        if pid == os.getpid():
            raise SystemExit("rebuilt in the wrong process")
        return Explosive(pid)


def give_back(value):
    return value


def exit_now(code):
    os._exit(code)


def kill_self():
    os.kill(os.getpid(), signal.SIGKILL)


def pid():
    return os.getpid()


def undecorated(function):
    @functools.wraps(function)
    def wrapper():
        return "wrapped", function()

    wrapper.__qualname__ = wrapper.__name__ = "no_such_name"
    return wrapper


@undecorated
def decorated():
    return "inner"


class Bound:
    def __init__(self, value):
        self.value = value

    def method(self):
        return self.value


_initialized = None


def initialize(value):
    global _initialized
    _initialized = value


def initialized():
    return _initialized


def break_start():
    raise ValueError("broken initializer")


# -- arguments of the executor -----------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [0, -1, "x"])
def test_a_wrong_number_of_workers_is_refused(workers):
    """As in 3.x, with a ValueError."""
    with pytest.raises(ValueError):
        ProcessPoolExecutor(workers)


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({"no_such": 1}, TypeError),
        ({"initializer": 5}, TypeError),
        ({"max_tasks_per_child": 0}, ValueError),
        ({"max_tasks_per_child": "2"}, TypeError),
    ],
)
def test_wrong_arguments_of_the_pool_show_when_the_executor_is_made(kwargs, error):
    with pytest.raises(error):
        ProcessPoolExecutor(1, kwargs)


def test_it_is_a_pool_executor(executor):
    assert isinstance(executor, BasePoolExecutor)


def test_an_initializer_runs_in_each_worker():
    with own_bench(1, {"initializer": initialize, "initargs": ("ready",)}) as bench:
        assert bench.run(initialized).retval == "ready"


def test_a_worker_is_replaced_after_its_number_of_calls():
    with own_bench(1, {"max_tasks_per_child": 2}) as bench:
        pids = [bench.run(pid).retval for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_the_start_method_can_be_chosen():
    """A forked worker inherits our queues, which it must not wait for when it ends."""
    with own_bench(1, {"mp_context": multiprocessing.get_context("fork")}) as bench:
        assert bench.run(pid).retval != os.getpid()


# -- what is sent, and what comes back ---------------------------------------------------------------------------


def test_what_is_sent_is_small(bench):
    from apscheduler.executors._parcel import pack

    submission = bench.submission(echo, 1)
    submission.job.name = "x" * 100_000
    assert len(pack(submission)) < 200


@pytest.mark.parametrize(
    ("func", "args", "said"),
    [
        (lambda: 1, (), ("the function", "lambda", "threads")),
        (echo, ("fine", threading.Lock()), ("argument 1", "lock", "threads")),
        (functools.partial(echo, threading.Lock()), (), ("argument 0 of the partial", "lock")),
        (Bound(threading.Lock()).method, (), ("the object to which the method method is bound", "lock")),
    ],
    ids=["lambda", "argument", "partial", "bound object"],
)
def test_what_cannot_be_sent_is_a_failure_that_names_the_part(bench, func, args, said):
    """In 3.x there was a line in the log, and neither an event nor a record."""
    before, after = bench.submission(nothing), bench.submission(nothing, id="after")
    bad = bench.submission(func, *args, id="bad")
    bench.submit(before, bad, after)
    (outcome,) = bench.outcomes(bad)
    assert (outcome.status, outcome.started) == (FAILED, None)
    assert all(text in outcome.error for text in said), outcome.error
    assert isinstance(outcome.exception, TypeError)
    bench.wait(before, after)
    assert bench.each_once(before, bad, after)


def test_a_keyword_argument_that_cannot_be_sent_is_named(bench):
    assert "argument 'key'" in bench.run(echo, key=threading.Lock()).error


def test_a_function_that_only_its_textual_reference_finds_is_sent(bench):
    """Such a job ran in 3.x, too: it sent the reference."""
    submission = bench.submission(f"{__name__}:decorated")
    bench.submit(submission)
    assert bench.outcomes(submission)[0].retval == ("wrapped", "inner")


def test_bound_methods_and_partials_are_sent_with_what_they_hold(bench):
    assert bench.run(Bound(5).method).retval == 5
    assert bench.run(functools.partial(echo, 1), 2).retval == ((1, 2), {})


@pytest.mark.parametrize("func", [raise_picky, raise_unpicklable])
def test_an_exception_that_cannot_travel_is_told_in_words(bench, func):
    outcome = bench.run(func)
    assert (outcome.status, outcome.exception) == (FAILED, None)
    assert outcome.error in ("PickyError: one", "ValueError: holds a lock")
    assert f"in {func.__name__}" in outcome.traceback


def test_a_value_that_cannot_travel_does_not_make_the_run_a_failure(bench, caplog):
    outcome = bench.run(return_lock)
    assert (outcome.status, outcome.retval) == (SUCCEEDED, None)
    assert "its return value could not be sent back" in outcome.reason
    assert outcome.reason in caplog.text


def test_a_value_that_cannot_be_rebuilt_does_not_break_the_pool(bench):
    outcome = bench.run(give_back, Explosive(os.getpid()))
    assert (outcome.status, outcome.retval) == (SUCCEEDED, None)
    assert "could not be read: SystemExit" in outcome.reason


def test_an_argument_that_cannot_be_loaded_fails_all_run_times(bench):
    class Sent:
        def __reduce__(self):
            return int, ("no number",)

    submission = bench.submission(echo, Sent(), late=[1, 0])
    bench.submit(submission)
    outcomes = bench.outcomes(submission)
    assert [outcome.index for outcome in outcomes] == [0, 1]
    for outcome in outcomes:
        assert outcome.status == FAILED
        assert "could not be loaded in the worker process (ValueError" in outcome.error


# -- workers that die --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("func", "args", "said"), [(exit_now, (7,), "with exit code 7"), (kill_self, (), "of SIGKILL")]
)
def test_a_worker_that_dies_fails_only_the_run_that_it_had(bench, tmp_path, func, args, said):
    gate = FileGate(tmp_path)
    other = bench.submission(gate.enter, id="other")
    bench.submit(other)
    gate.wait_entered()
    bad = bench.submission(func, *args, id="bad")
    later = [bench.submission(nothing, id=str(number)) for number in range(5)]
    bench.submit(bad, *later)
    (outcome,) = bench.outcomes(bad)
    assert outcome.status == FAILED
    assert "the worker process died" in outcome.error
    assert said in outcome.error
    assert outcome.started is not None
    bench.wait(*later)
    gate.open()
    assert bench.outcomes(other)[0].retval == "through"
    assert bench.each_once(other, bad, *later)
    assert {each.status for submission, each in bench.reports if submission is not bad} == {SUCCEEDED}


def test_a_worker_that_dies_while_it_has_nothing_to_do_fails_nothing():
    with own_bench(1) as bench:
        worker = bench.run(pid).retval
        os.kill(worker, signal.SIGKILL)
        for child in multiprocessing.active_children():
            if child.pid == worker:
                child.join(PATIENCE)
        assert bench.run(pid).retval not in (worker, None)


def test_a_worker_that_cannot_start_is_explained():
    with own_bench(1, {"initializer": break_start}) as bench:
        submissions = [bench.submission(nothing, id=str(number)) for number in range(2)]
        bench.submit(*submissions)
        bench.wait(*submissions)
        for _, outcome in bench.reports:
            assert outcome.status == FAILED
            assert "the initializer of a worker process raised" in outcome.error
            assert "ValueError: broken initializer" in outcome.error


def test_workers_are_started_as_they_are_needed():
    with own_bench(5) as bench:
        for _ in range(3):
            bench.run(nothing)
        assert len(bench.executor._workers._idle) == 1


# -- the end -----------------------------------------------------------------------------------------------------


def test_it_can_be_started_again_after_a_shutdown():
    executor = ProcessPoolExecutor(1)
    for _ in range(2):
        bench = Bench(executor)
        assert bench.run(nothing).status == SUCCEEDED
        executor.shutdown()


def test_a_pool_of_processes_that_the_caller_brings_is_fed_too():
    import concurrent.futures

    pool = concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    bench = Bench(BasePoolExecutor(pool))
    submissions = [bench.submission(pid, id=str(number)) for number in range(5)]
    bench.submit(*submissions)
    bench.executor.shutdown(wait=False)
    bench.wait(*submissions)
    assert bench.each_once(*submissions)
    assert {outcome.status for _, outcome in bench.reports} == {SUCCEEDED}


SCRIPT = """
import os, sys, time
from apscheduler.executors.pool import ProcessPoolExecutor
from apscheduler.testing.executor import Bench

def job(folder, number):
    with open(os.path.join(folder, str(number)), "w"):
        pass

def hold(folder):
    job(folder, os.getpid())
    time.sleep(0.3)
    job(folder, "held")

if __name__ == "__main__":
    folder, mode = sys.argv[1:]
    bench = Bench(ProcessPoolExecutor(1))
    if mode == "exit":
        bench.submit(*[bench.submission(job, folder, number, id=str(number)) for number in range(20)])
        bench.executor.shutdown(wait=False)
    else:
        bench.submit(bench.submission(hold, folder))
        time.sleep(60)
"""


def run_script(tmp_path, mode):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    (tmp_path / "done").mkdir()
    path = os.pathsep.join(sys.path)
    return subprocess.Popen(
        [sys.executable, script, tmp_path / "done", mode], env={**os.environ, "PYTHONPATH": path}
    )


def test_what_is_queued_runs_before_the_interpreter_ends(tmp_path):
    """As in 3.x; and the jobs are functions of the main module."""
    assert run_script(tmp_path, "exit").wait(PATIENCE) == 0
    assert len(list((tmp_path / "done").iterdir())) == 20


def test_workers_end_when_their_parent_is_killed_and_their_job_has_ended(tmp_path):
    """Otherwise they would wait for work for ever (3.x, issue 1067)."""
    done = tmp_path / "done"
    process = run_script(tmp_path, "hold")
    end = time.monotonic() + PATIENCE
    while not any(path.name.isdigit() for path in done.iterdir()):
        assert time.monotonic() < end
        time.sleep(0.01)
    process.kill()
    process.wait(PATIENCE)
    (worker,) = (int(path.name) for path in done.iterdir())
    while True:
        assert time.monotonic() < end
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            break
        if os.path.exists(f"/proc/{worker}/stat"):  # noqa: PTH110 - a zombie that nobody waits for has ended
            with contextlib.suppress(FileNotFoundError), open(f"/proc/{worker}/stat") as file:  # noqa: PTH123
                if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                    break
        time.sleep(0.01)
    assert (done / "held").exists()
