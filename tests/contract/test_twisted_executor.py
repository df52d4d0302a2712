"""The promises of every executor, over the one on a Twisted reactor."""

import asyncio
import subprocess
import sys
import threading

import pytest
from _loop_hosts import TwistedHost
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.task import deferLater

from apscheduler.executors.twisted import TwistedExecutor
from apscheduler.testing.clock import FakeClock
from apscheduler.testing.executor import Bench, ExecutorContract


class TestTwistedExecutor(ExecutorContract):
    waits_on_shutdown = False  # nor does 3.x; and nothing is cut off

    @pytest.fixture(autouse=True)
    def _host(self):
        self.host = TwistedHost()
        # All threads of the reactor's pool from the beginning, because it keeps them, and they would pass for left behind.
        self.host.call(lambda: self.host.reactor.getThreadPool().adjustPoolsize(10, 10))

    def make_executor(self):
        return TwistedExecutor()

    def make_bench(self, executor):
        return Bench(executor, FakeClock())

    def test_a_coroutine_function_may_await_deferreds(self, bench):
        async def coroutine():
            return await deferLater(self.host.reactor, 0.001, threading.get_ident)

        assert bench.run(coroutine).retval == self.host.call(threading.get_ident)

    def test_a_deferred_that_a_plain_function_returns_is_waited_for(self, bench):
        @inlineCallbacks
        def decorated(value):
            yield deferLater(self.host.reactor, 0.001, int)
            return value

        assert bench.run(decorated, 7).retval == 7

    def test_a_deferred_that_fails_is_a_failure(self, bench):
        def failing():
            deferred = Deferred()
            deferred.errback(ValueError("because"))
            return deferred

        assert bench.run(failing).error == "ValueError: because"

    def test_a_coroutine_that_needs_another_reactor_is_told_which(self, bench):
        outcome = bench.run(asyncio.sleep, 0.001)
        assert outcome.error == "RuntimeError: no running event loop"
        assert "asyncioreactor" in outcome.traceback


# A reactor runs once in a process, so what ends it, or needs another kind, is a program of its own.
PROGRAM = """
from twisted.internet import asyncioreactor
KIND and asyncioreactor.install()
import asyncio, threading
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from apscheduler.schedulers.twisted import TwistedScheduler

scheduler = TwistedScheduler(timezone="UTC")

async def both():
    async with asyncio.timeout(10):
        await asyncio.sleep(0.001)
        try:
            await deferLater(reactor, 0.001, lambda: 1 / 0)
        except ZeroDivisionError:
            return await deferLater(reactor, 0.001, lambda: "both")

async def for_ever():
    await Deferred()

def plainly_for_ever():
    reactor.callFromThread(scheduler.add_job, enough)
    return Deferred()

def enough():
    reactor.callFromThread(reactor.callLater, 0.05, reactor.stop)

if KIND:
    scheduler.add_job(both, id="both")
scheduler.add_job(for_ever, id="endless")
scheduler.add_job(plainly_for_ever, id="plainly")
scheduler.start()
reactor.callLater(20, reactor.stop)
reactor.run()
for run in sorted(scheduler.get_runs(), key=lambda run: run.job_id):
    if len(run.job_id) < 20:
        print(run.job_id, run.status, run.result or run.reason)
"""


@pytest.mark.parametrize("kind", ["asyncio's", "the default"])
def test_the_stop_of_the_reactor_ends_and_records_what_would_wait_for_ever(kind):
    """And on the reactor of asyncio, a coroutine function may await what either of them knows."""
    on_asyncio = kind == "asyncio's"
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("KIND", str(on_asyncio))],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [
        *(["both succeeded both"] if on_asyncio else []),
        "endless interrupted the reactor was stopped",
        "plainly interrupted the executor was shut down",
    ], ended.stderr
