"""AsyncIOScheduler: coroutine functions are awaited on the event loop, plain functions run in its threads."""

import asyncio
import threading
import time

from apscheduler.schedulers.asyncio import AsyncIOScheduler


async def fetch() -> None:
    await asyncio.sleep(0.05)
    print(f"fetch ran in {threading.current_thread().name}")


def compute() -> None:
    time.sleep(0.05)
    print(f"compute ran in {threading.current_thread().name.partition('_')[0]}")


async def main() -> None:
    scheduler = AsyncIOScheduler()
    scheduler.add_job(fetch, "interval", seconds=0.3)
    scheduler.add_job(compute, "interval", seconds=0.4)
    scheduler.start()
    await asyncio.sleep(1)
    scheduler.shutdown()


if __name__ == "__main__":
    asyncio.run(main())
