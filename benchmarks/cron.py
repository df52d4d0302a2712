"""How long does one cron fire time take, in a zone whose clocks change?"""

import time
from datetime import datetime
from zoneinfo import ZoneInfo

from _tools import answer

from apscheduler.triggers.cron import CronTrigger

EXPRESSIONS = (
    "* * * * *",
    "*/5 * * * *",
    "30 6 * * mon-fri",
    "0 0 1 * *",
    "0 9-17/2 * * mon,wed,fri",
    "59 23 31 12 *",
)
CALLS = 600

zone = ZoneInfo("Europe/Berlin")
seconds = 0.0
for expression in EXPRESSIONS:
    trigger = CronTrigger.from_crontab(expression, timezone=zone)
    previous, now = None, datetime(2026, 1, 1, tzinfo=zone)
    begin = time.perf_counter()
    for _ in range(CALLS):
        previous = now = trigger.get_next_fire_time(previous, now)
    seconds += time.perf_counter() - begin
answer("cron fire time", seconds / CALLS / len(EXPRESSIONS) * 1e6, "us", "lower")
