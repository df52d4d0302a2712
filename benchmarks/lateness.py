"""How late do jobs start, at 300 a second for four seconds?"""

import time
from datetime import UTC, datetime, timedelta

from _tools import answer

from apscheduler.schedulers.background import BackgroundScheduler

RATE, SECONDS = 300, 4
late: list[float] = []


def body(due: float) -> None:
    late.append(time.time() - due)


scheduler = BackgroundScheduler(timezone=UTC)
scheduler.start(paused=True)
base = datetime.now(UTC) + timedelta(seconds=1.5)
for number in range(RATE * SECONDS):
    due = base + timedelta(seconds=number / RATE)
    scheduler.add_job(body, "date", run_date=due, args=[due.timestamp()], misfire_grace_time=None)
scheduler.resume()
time.sleep(max(0.0, (base - datetime.now(UTC)).total_seconds()) + SECONDS + 0.5)
scheduler.shutdown(wait=False)
late.sort()
answer("lateness, median", late[len(late) // 2] * 1e3, "ms", "lower")
answer("lateness, 99th percentile", late[int(len(late) * 0.99)] * 1e3, "ms", "lower")
