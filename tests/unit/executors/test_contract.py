"""The promises of every executor, over all of them."""

from __future__ import annotations

import pytest

from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.executors.debug import DebugExecutor
from apscheduler.executors.pool import ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler.testing.clock import FakeClock
from apscheduler.testing.executor import Bench, ExecutorContract, LoopThread


class TestThreadPoolExecutor(ExecutorContract):
    def make_executor(self):
        return ThreadPoolExecutor(3)


class TestDebugExecutor(ExecutorContract):
    concurrent = False

    def make_executor(self):
        return DebugExecutor()


class TestProcessPoolExecutor(ExecutorContract):
    uses_clock = False
    same_process = False
    many = 300

    def make_executor(self):
        return ProcessPoolExecutor(2)

    @pytest.fixture(scope="class")
    @classmethod
    def executor(cls):
        """Shared, because to start processes takes time."""
        executor = ProcessPoolExecutor(2)
        yield executor
        executor.shutdown()


class TestAsyncIOExecutor(ExecutorContract):
    waits_on_shutdown = False

    @pytest.fixture(autouse=True)
    def _loop(self):
        self.loop = LoopThread()
        yield
        if not self.loop.loop.is_closed():
            assert self.loop.stop() == set()

    def make_executor(self):
        return AsyncIOExecutor()

    def make_bench(self, executor):
        return Bench(executor, FakeClock(), self.loop.loop)

    def end(self, bench):
        super().end(bench)
        assert self.loop.stop() == set()


class BenchOnLoop(Bench):
    """Submits on the thread of the loop, as the scheduler does."""

    def submit(self, *submissions):
        loop = self.stand_in._eventloop
        loop.call_soon_threadsafe(self.executor.submit, submissions, self.report)


class TestAsyncIOExecutorFromItsLoop(TestAsyncIOExecutor):
    def make_bench(self, executor):
        return BenchOnLoop(executor, FakeClock(), self.loop.loop)

    test_what_is_submitted_after_the_shutdown_is_refused = None  # the bench would not see it raise
