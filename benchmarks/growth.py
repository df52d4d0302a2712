"""Does a firing cost more in a store of 100,000 sleeping jobs than in one of 1,000?"""

import time
from datetime import UTC, datetime, timedelta

from _tools import COUNT_DOWN, answer, hit, noop

from apscheduler.schedulers.background import BackgroundScheduler

FIRINGS = 100


def processor_time_of_a_firing(sleeping: int) -> float:
    scheduler = BackgroundScheduler(timezone=UTC, job_defaults={"misfire_grace_time": None})
    scheduler.start(paused=True)
    far = datetime.now(UTC) + timedelta(days=1)
    for number in range(sleeping):
        scheduler.add_job(noop, "interval", days=1, start_date=far, id=str(number))
    scheduler.add_job(hit, "interval", hours=1, id="busy")
    scheduler.resume()
    times = []
    for _ in range(FIRINGS):
        COUNT_DOWN.expect(1)
        begin = time.process_time()
        scheduler.modify_job("busy", next_run_time=datetime.now(UTC))
        COUNT_DOWN.done.wait(10)
        times.append(time.process_time() - begin)
    scheduler.shutdown(wait=False)
    return sorted(times)[FIRINGS // 2] * 1e6


few, many = processor_time_of_a_firing(1_000), processor_time_of_a_firing(100_000)
answer("a firing among 1,000 jobs", few, "us of processor", "lower")
answer("a firing among 100,000 jobs", many, "us of processor", "lower", times_as_much=round(many / few, 2))
