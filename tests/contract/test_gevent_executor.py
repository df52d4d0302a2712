"""The promises of every executor, over the one that runs jobs in greenlets; `test_gevent_driver` has them run patched."""

import time

import gevent
import pytest
from _loop_hosts import GeventHost

from apscheduler.executors.gevent import GeventExecutor
from apscheduler.testing._jobs import PATIENCE, Gate
from apscheduler.testing.clock import FakeClock
from apscheduler.testing.executor import Bench, ExecutorContract


class GreenletGate(Gate):
    """Where a greenlet waits without holding up the others."""

    def enter(self):
        self._entered.release()
        end = time.monotonic() + PATIENCE
        while not self._open.is_set():
            assert time.monotonic() < end, "nobody opened the gate"
            gevent.sleep(0.002)
        return "through"


class TestGeventExecutor(ExecutorContract):
    waits_on_shutdown = False  # nor does 3.x; and nothing is cut off

    @pytest.fixture(autouse=True)
    def _host(self):
        self.host = GeventHost()
        yield
        self.host.close()

    @pytest.fixture
    def gate(self):
        gate = GreenletGate()
        yield gate
        gate.open()

    def make_executor(self):
        return GeventExecutor()

    def make_bench(self, executor):
        return self.host.call(lambda: Bench(executor, FakeClock()))

    def test_greenlets_outlast_a_shutdown_and_are_reported(self, fresh, gate):
        submission = fresh.submission(gate.enter)
        fresh.submit(submission)
        gate.wait_entered()
        fresh.executor.shutdown(wait=True)
        assert fresh.reports == []
        gate.open()
        assert fresh.outcomes(submission)[0].retval == "through"
