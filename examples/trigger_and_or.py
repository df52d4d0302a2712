"""Combined triggers: AndTrigger fires where all of its triggers agree, OrTrigger at the earliest of any."""

from datetime import UTC, datetime

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger

# Friday the thirteenth: both must match the same time.
UNLUCKY = AndTrigger([CronTrigger(day=13, timezone="UTC"), CronTrigger(day_of_week="fri", timezone="UTC")])
# Mondays at two, and Thursdays at three.
TWICE_A_WEEK = OrTrigger(
    [
        CronTrigger(day_of_week="mon", hour=2, timezone="UTC"),
        CronTrigger(day_of_week="thu", hour=3, timezone="UTC"),
    ]
)


BEGIN = datetime(2030, 1, 1, tzinfo=UTC)


def show(name: str, trigger: BaseTrigger) -> None:
    time = None
    for _ in range(4):
        time = trigger.get_next_fire_time(time, time or BEGIN)
        print(f"{name:14} {time:%a %Y-%m-%d %H:%M}")


if __name__ == "__main__":
    show("unlucky", UNLUCKY)
    show("twice a week", TWICE_A_WEEK)
