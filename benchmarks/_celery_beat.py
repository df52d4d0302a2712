"""How many due entries a second Celery beat hands to a broker in memory, for `others.py`. Argument: number of entries.

Beat finds the entry that is due and sends a message for it; a worker, which is not there, would run the task. So this
is the cost of scheduling alone: no task runs, and nothing is recorded.
"""

import json
import sys
import time
from datetime import timedelta

from celery import Celery
from celery.beat import Scheduler

WAIT = 5.0

count = int(sys.argv[1])
app = Celery("bench", broker="memory://")
app.conf.task_ignore_result = True


@app.task(name="noop")
def noop() -> None:
    pass


# Each entry is due once: it was never run, so its first time is one interval from now.
app.conf.beat_schedule = {
    str(number): {"task": "noop", "schedule": timedelta(seconds=WAIT)} for number in range(count)
}
scheduler = Scheduler(app=app)
scheduler.tick()
time.sleep(WAIT + 0.1)
begin = time.perf_counter()
for _ in range(count):
    scheduler.tick()
seconds = time.perf_counter() - begin
sent = sum(entry.total_run_count for entry in scheduler.schedule.values())
if sent != count:
    raise SystemExit(f"{sent} of {count} entries were sent")
print(json.dumps({"value": count / seconds}), flush=True)
