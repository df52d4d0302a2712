"""The cron trigger: at the times whose fields match. Monday is 0; names of weekdays are clearer."""

from datetime import UTC, datetime

from apscheduler.triggers.cron import CronTrigger

TRIGGERS = {
    "weekdays at 6:30": CronTrigger(day_of_week="mon-fri", hour=6, minute=30, timezone="UTC"),
    "every ten seconds": CronTrigger(second="*/10", timezone="UTC"),
    "third friday": CronTrigger(month="6-8,11-12", day="3rd fri", hour="0-3", timezone="UTC"),
    "last day of the month": CronTrigger(day="last", timezone="Europe/Berlin"),
    "a crontab line": CronTrigger.from_crontab("0 9 * * mon", timezone="UTC"),
}

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)

if __name__ == "__main__":
    for name, trigger in TRIGGERS.items():
        time, times = None, []
        for _ in range(3):
            time = trigger.get_next_fire_time(time, time or BEGIN)
            times.append(time)
        print(f"{name:22}", ", ".join(f"{time:%a %Y-%m-%d %H:%M:%S}" for time in times))
