"""How late is a 10 ms ticker on an event loop, beside 200 jobs a second from an SQL store that answers in 50 ms?

Called without an argument it runs itself once for each loop and prints a figure for each; a loop whose package is not
installed is left out.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from _tools import answer

RATE, SECONDS, DELAY, TICK = 200, 3, 0.05, 0.01
LOOPS = ("asyncio", "Tornado", "Qt")


def noop() -> None:
    pass


def slow_store(folder: str):
    """Return a store in a file, each statement of which the benchmark delays as a distant server would."""
    from sqlalchemy import create_engine, event

    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore

    engine = create_engine(f"sqlite:///{Path(folder) / 'jobs.sqlite'}")
    slow = []

    @event.listens_for(engine, "before_cursor_execute")
    def wait(*_: object) -> None:
        if slow:
            time.sleep(DELAY)

    return SQLAlchemyJobStore(engine=engine), slow


class Ticker:
    """Called by the loop, it asks for the next call; how late each came is in `late`."""

    def __init__(self, call_later, stop) -> None:
        self._call_later, self._stop = call_later, stop
        self.late: list[float] = []
        self._end = time.perf_counter() + SECONDS
        self._ask()

    def _ask(self) -> None:
        self._due = time.perf_counter() + TICK
        self._call_later(TICK, self._tick)

    def _tick(self) -> None:
        now = time.perf_counter()
        self.late.append(max(0.0, now - self._due))
        if now < self._end:
            self._ask()
        else:
            self._stop()


def fill(scheduler, slow) -> None:
    """Start the scheduler with one job for each run time, while the store is still quick."""
    scheduler.start(paused=True)
    base = datetime.now(UTC) + timedelta(seconds=2)
    for number in range(RATE * SECONDS):
        due = base + timedelta(seconds=number / RATE)
        scheduler.add_job(noop, "date", run_date=due, misfire_grace_time=None, id=str(number))
    time.sleep(max(0.0, (base - datetime.now(UTC)).total_seconds()))
    slow.append(True)
    scheduler.resume()


def options(store) -> dict:
    from apscheduler.executors.pool import ThreadPoolExecutor

    return {
        "timezone": UTC,
        "jobstores": {"default": store},
        "executors": {"default": ThreadPoolExecutor(10)},
    }


def on_asyncio(scheduler_class, store, slow) -> list[float]:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        scheduler = scheduler_class(**options(store))
        fill(scheduler, slow)
        ended = asyncio.Event()
        ticker = Ticker(loop.call_later, ended.set)
        await ended.wait()
        slow.clear()
        scheduler.shutdown()
        return ticker.late

    return asyncio.run(main())


def on_qt(scheduler_class, store, slow) -> list[float]:
    from PySide6.QtCore import QCoreApplication, Qt, QTimer

    application = QCoreApplication([])
    scheduler = scheduler_class(**options(store))
    fill(scheduler, slow)
    timer = QTimer()
    timer.setSingleShot(True)
    timer.setTimerType(Qt.TimerType.PreciseTimer)

    def call_later(seconds: float, callback) -> None:
        if not timer.property("connected"):
            timer.setProperty("connected", True)
            timer.timeout.connect(callback)
        timer.start(round(seconds * 1000))

    ticker = Ticker(call_later, application.quit)
    application.exec()
    slow.clear()
    scheduler.shutdown()
    return ticker.late


def measure(loop: str) -> None:
    """Print how late the ticker was on one loop."""
    try:
        if loop == "asyncio":
            from apscheduler.schedulers.asyncio import AsyncIOScheduler as Scheduler
        elif loop == "Tornado":
            from apscheduler.schedulers.tornado import TornadoScheduler as Scheduler
        else:
            from apscheduler.schedulers.qt import QtScheduler as Scheduler
    except ImportError:
        return
    with tempfile.TemporaryDirectory() as folder:
        store, slow = slow_store(folder)
        late = sorted((on_qt if loop == "Qt" else on_asyncio)(Scheduler, store, slow))
    answer(f"lag of {loop}, 99th percentile", late[int(len(late) * 0.99)] * 1e3, "ms", "lower")
    answer(f"lag of {loop}, worst", late[-1] * 1e3, "ms", "lower")


if len(sys.argv) > 1:
    measure(sys.argv[1])
else:
    for name in LOOPS:
        subprocess.run([sys.executable, __file__, name], check=True)
