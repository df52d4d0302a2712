"""Programs with a main loop of each kind, for the contract of the schedulers that live in them."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Any

from apscheduler._native import threads_are_greenlets
from apscheduler.testing._jobs import PATIENCE
from apscheduler.testing.driver import Host, LoopHost


class AsyncIOHost(LoopHost):
    def run(self):
        async def main():
            self.loop, self.ended = asyncio.get_running_loop(), asyncio.Event()
            self.ready()
            await self.ended.wait()

        asyncio.run(main())

    def stop(self):
        self.ended.set()

    def soon(self, callback):
        self.loop.call_soon_threadsafe(callback)

    def later(self, seconds, callback):
        self.loop.call_later(seconds, callback)

    def rest(self):
        timers = [timer for timer in self.loop._scheduled if not timer.cancelled()]
        return {*asyncio.all_tasks(self.loop), *timers}


class TornadoHost(AsyncIOHost):
    """With an I/O loop that Tornado has made itself."""

    def run(self):
        from tornado.ioloop import IOLoop

        self.io_loop = IOLoop(make_current=False)
        self.loop = self.io_loop.asyncio_loop
        self.io_loop.add_callback(self.ready)
        self.io_loop.start()
        self.io_loop.close()

    def stop(self):
        self.io_loop.stop()


class GeventHost(LoopHost):
    """In a thread with a hub of its own, or, under monkey patching, in a greenlet of the one there is."""

    def run(self):
        import gevent
        from gevent.event import Event

        self.hub, self.ended = gevent.get_hub(), Event()
        gevent.spawn(self.ready)
        while not self.ended.wait(1):
            pass  # with a timer, because a hub that waits for other threads only is taken for one that is stuck
        if not threads_are_greenlets():
            self.hub.destroy(destroy_loop=True)

    def stop(self):
        self.ended.set()

    def soon(self, callback):
        import gevent

        self.hub.loop.run_callback_threadsafe(partial(gevent.spawn, callback))

    def later(self, seconds, callback):
        import gevent

        gevent.spawn_later(seconds, callback)


AT_THE_END: list[Any] = []
"""What the end of the test run calls. Not `atexit`, which waits for the threads of the reactor's pool first, for ever."""


class TwistedHost(LoopHost):
    """The one reactor of the process, which runs from the first test to the last."""

    running = False

    def __init__(self):
        from twisted.internet import reactor

        self.reactor = reactor
        if not TwistedHost.running:
            TwistedHost.running = True
            super().__init__()
            AT_THE_END.append(self.end_for_good)

    def run(self):
        self.reactor.callWhenRunning(self.ready)
        self.reactor.run(installSignalHandlers=False)

    def close(self):
        pass

    def end_for_good(self):
        self.reactor.callFromThread(self.reactor.stop)
        self._thread.join(PATIENCE)

    def soon(self, callback):
        self.reactor.callFromThread(callback)

    def later(self, seconds, callback):
        self.reactor.callLater(seconds, callback)

    def rest(self):
        return set(self.reactor.getDelayedCalls())


class QtHost(Host):
    """The application of the process, whose loop runs whenever the test waits."""

    has_loop = True
    application = None

    def __init__(self):
        from apscheduler.schedulers.qt import QTimer, qtcore

        self.timer = QTimer
        if QtHost.application is None:
            QtHost.application = qtcore.QCoreApplication([])

    def let_it_run(self):
        QtHost.application.processEvents()
        time.sleep(0.001)

    def later(self, seconds, callback):
        self.timer.singleShot(round(seconds * 1000), callback)
