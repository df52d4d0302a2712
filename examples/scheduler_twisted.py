"""TwistedScheduler: coroutine functions run in the reactor's thread, plain functions in its thread pool."""

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.python.threadable import isInIOThread

from apscheduler.schedulers.twisted import TwistedScheduler


async def fetch() -> None:
    await deferLater(reactor, 0.05)
    print("fetch ran in the reactor's thread:", isInIOThread())


def compute() -> None:
    print("compute ran in the reactor's thread:", isInIOThread())


if __name__ == "__main__":
    scheduler = TwistedScheduler()
    scheduler.add_job(fetch, "interval", seconds=0.3)
    scheduler.add_job(compute, "interval", seconds=0.4)
    scheduler.start()
    reactor.callLater(1, scheduler.shutdown)
    reactor.callLater(1.2, reactor.stop)
    reactor.run()
