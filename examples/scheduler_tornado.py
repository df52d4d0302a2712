"""TornadoScheduler: coroutine functions run on the I/O loop, plain functions in threads beside it."""

import asyncio
import threading
import time

from tornado.web import Application, RequestHandler

from apscheduler.schedulers.tornado import TornadoScheduler


class Jobs(RequestHandler):
    """A page that lists the jobs."""

    def get(self) -> None:
        """Answer a request."""
        self.write("\n".join(map(str, self.application.settings["scheduler"].get_jobs())))


async def fetch() -> None:
    await asyncio.sleep(0.05)
    print(f"fetch ran in {threading.current_thread().name}")


def compute() -> None:
    time.sleep(0.05)
    print(f"compute ran in {threading.current_thread().name.partition('_')[0]}")


async def main() -> None:
    scheduler = TornadoScheduler()
    scheduler.add_job(fetch, "interval", seconds=0.3)
    scheduler.add_job(compute, "interval", seconds=0.4)
    scheduler.start()
    server = Application([("/jobs", Jobs)], scheduler=scheduler).listen(0, "127.0.0.1")
    await asyncio.sleep(1)  # a server goes on: await asyncio.Event().wait()
    server.stop()
    scheduler.shutdown()


if __name__ == "__main__":
    asyncio.run(main())
