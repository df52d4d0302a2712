"""The calendar interval trigger: every so many years, months, weeks and days, at the same time of day."""

from datetime import UTC, date, datetime

from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger

TRIGGERS = {
    # Months that have no 31st are passed over.
    "monthly on the 31st": CalendarIntervalTrigger(months=1, start_date=date(2030, 1, 31), timezone="UTC"),
    "every other week": CalendarIntervalTrigger(
        weeks=2, hour=9, minute=30, start_date=date(2030, 1, 7), timezone="Europe/Berlin"
    ),
}

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)

if __name__ == "__main__":
    for name, trigger in TRIGGERS.items():
        time = None
        for _ in range(4):
            time = trigger.get_next_fire_time(time, time or BEGIN)
            print(f"{name:20} {time}")
