"""The promises of every executor, over the one on a Tornado I/O loop."""

import asyncio
import threading

import pytest
from _loop_hosts import TornadoHost
from tornado import gen

from apscheduler.executors.tornado import TornadoExecutor
from apscheduler.testing.clock import FakeClock
from apscheduler.testing.executor import Bench, ExecutorContract


class TestTornadoExecutor(ExecutorContract):
    waits_on_shutdown = False  # nor does 3.x; and nothing is cut off

    @pytest.fixture(autouse=True)
    def _host(self):
        self.host = TornadoHost()
        yield
        self.host.close()

    def make_executor(self):
        return TornadoExecutor(3)

    def make_bench(self, executor):
        return Bench(executor, FakeClock(), self.host.loop)

    def test_a_function_with_the_decorator_of_tornado_runs_on_the_loop(self, bench):
        @gen.coroutine
        def decorated(value):
            yield gen.sleep(0.001)
            raise gen.Return((value, threading.get_ident()))

        assert bench.run(decorated, 7).retval == (7, self.host.call(threading.get_ident))

    def test_runs_outlast_a_shutdown_and_are_reported(self, fresh, gate):
        go_on, began = asyncio.Event(), threading.Event()

        async def coroutine():
            began.set()
            await go_on.wait()
            return "awaited"

        submissions = [fresh.submission(coroutine), fresh.submission(gate.enter)]
        fresh.submit(*submissions)
        gate.wait_entered()
        assert began.wait(10)
        fresh.executor.shutdown(wait=True)
        assert fresh.reports == []
        gate.open()
        self.host.call(go_on.set)
        assert [fresh.outcomes(each)[0].retval for each in submissions] == ["awaited", "through"]
