"""Draw the pictures of the documentation: `python docs/_pictures.py` writes them to docs/pictures/.

What the timelines show is not made up: a scheduler on a clock that is driven by hand has run the jobs, and its run log
is drawn. So a picture cannot say anything else than the program does, and a test tells when one is out of date.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.executors.base import BaseExecutor, Outcome, Report, Submission
from apscheduler.runs import Run
from apscheduler.testing.manual import ManualScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

FOLDER = Path(__file__).parent / "pictures"
COLOURS = {
    "succeeded": "#2e7d32",
    "failed": "#c62828",
    "missed": "#e65100",
    "skipped": "#757575",
    "running": "#1565c0",
    "interrupted": "#6a1b9a",
    "set_aside": "#5d4037",
}
LEFT, ROW, STEP = 250, 58, 36
"""Where the time axis begins, the height of a row, and the width of a second, in pixels."""


# -- what happened ------------------------------------------------------------------------------------------------


class Lasting(BaseExecutor):
    """Has every run last as many seconds, on the scheduler's clock."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.held: list[tuple[float, Submission, Report]] = []

    def submit(self, submissions: Sequence[Submission], report: Report) -> None:
        self.held += [(self.clock.time(), submission, report) for submission in submissions]

    def end_runs(self) -> None:
        for item in list(self.held):
            started, submission, report = item
            if self.clock.time() >= started + self.seconds:
                self.held.remove(item)
                report(submission, Outcome(0, "succeeded", started, started + self.seconds))


def nothing() -> None:
    """Stands for a job that takes no time."""


def happened(
    seconds: int,
    trigger: BaseTrigger | str,
    down: tuple[int, int] | None = None,
    lasts: float = 0,
    **job: Any,
) -> list[Run]:
    """Run a job for some seconds of a made-up clock, with a scheduler that is down meanwhile, and return its runs."""
    executor = Lasting(lasts)
    scheduler = ManualScheduler(executors={"lasting": executor}, run_log={"max_age": None, "per_job": None})
    scheduler.start()
    scheduler.add_job(nothing, trigger, executor="lasting" if lasts else "default", **job)
    scheduler.turn()
    for second in range(1, seconds + 1):
        scheduler.clock.advance(seconds=1)
        executor.end_runs()
        if down and second == down[0]:
            scheduler.turn()
            scheduler.pause()
        if down and second == down[1]:
            scheduler.resume()
        scheduler.turn()
    runs = sorted(scheduler.get_runs(limit=None), key=lambda run: run.run_time)
    scheduler.shutdown(wait=False)
    return runs


# -- drawing ------------------------------------------------------------------------------------------------------


def text(x: float, y: float, words: str, size: int = 13, fill: str = "#222222", more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{fill}" {more}>{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, colour: str = "#9e9e9e", more: str = "") -> str:
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{colour}" {more}/>'


def box(x: float, y: float, width: float, height: float, fill: str, more: str = "") -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4" fill="{fill}" {more}/>'


def document(width: float, height: float, title: str, parts: list[str]) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img"'
            f' font-family="system-ui, sans-serif"><title>{escape(title)}</title>',
            f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>',
            *parts,
            "</svg>\n",
        ]
    )


def legend(statuses: Sequence[str], y: float) -> list[str]:
    parts, x = [], LEFT
    for status in statuses:
        parts += [box(x, y - 10, 12, 12, COLOURS[status]), text(x + 17, y, status, 12)]
        x += 40 + 7 * len(status)
    return parts


def timeline(
    title: str, seconds: int, rows: Sequence[tuple[str, str, list[Run]]], down: tuple[int, int] | None = None
) -> str:
    """Draw rows of runs: a circle where a run time was, a bar for the run, a label for what became of it."""
    height = 52 + ROW * len(rows) + 44
    width = LEFT + STEP * seconds + 60
    parts = []
    if down:
        x = LEFT + STEP * down[0]
        parts.append(box(x + 2, 34, STEP * (down[1] - down[0]) - 4, ROW * len(rows) + 4, "#eeeeee"))
        parts.append(text(x + STEP * (down[1] - down[0]) / 2, 28, "the scheduler is down", 12, "#616161",
                          'text-anchor="middle"'))  # fmt: skip
    statuses: dict[str, None] = {}
    for number, (name, options, runs) in enumerate(rows):
        y = 52 + ROW * number
        parts += [
            text(16, y + 8, name, 13, more='font-weight="bold"'),
            text(16, y + 26, options, 12, "#616161"),
        ]
        parts.append(line(LEFT, y + 12, LEFT + STEP * seconds + 20, y + 12))
        parts += drawn(runs, y + 12, statuses)
    base = 52 + ROW * len(rows)
    for second in range(0, seconds + 1, 2):
        parts.append(text(LEFT + STEP * second, base, f"{second} s", 11, "#616161", 'text-anchor="middle"'))
    return document(width, height, title, [*parts, *legend(list(statuses), base + 30)])


def drawn(runs: list[Run], y: float, statuses: dict[str, None]) -> list[str]:
    parts, lanes = [], [0.0, 0.0, 0.0]
    begin = datetime(2030, 1, 1, tzinfo=UTC)
    for run in runs:
        statuses[run.status] = None
        colour = COLOURS[run.status]
        due = LEFT + STEP * (run.run_time - begin).total_seconds()
        if run.started_at is None:
            at = y + 16 if run.reason == "max_instances" else y  # below the bar of the run that is in the way
            parts += [
                line(due - 5, at - slope, due + 5, at + slope, colour, 'stroke-width="2.5"')
                for slope in (5, -5)
            ]
            continue
        start = LEFT + STEP * (run.started_at - begin).total_seconds()
        end = run.finished_at or run.started_at
        length = max(10, STEP * (end - run.started_at).total_seconds() - 3)
        lane = next(n for n, busy in enumerate(lanes) if busy <= start)
        lanes[lane] = start + length if length > 10 else start + 1
        left = start if length > 10 else start - 5  # a moment is drawn around its time
        parts.append(box(left, y - 7 + 16 * lane, length, 13, colour))
        if start > due:
            parts.append(
                f'<circle cx="{due:g}" cy="{y:g}" r="5" fill="#ffffff" stroke="{colour}" stroke-width="2"/>'
            )
            parts.append(
                f'<path d="M {due:g} {y - 7:g} Q {(due + start) / 2:g} {y - 30:g} {start:g} {y - 9:g}"'
                f' fill="none" stroke="{colour}" stroke-dasharray="3 3"/>'
            )
    return parts


# -- the pictures -------------------------------------------------------------------------------------------------


def triggers() -> str:
    start = "2030-01-01 00:00:05"
    return timeline(
        "When triggers fire",
        16,
        [
            ("interval", "seconds=4", happened(16, IntervalTrigger(seconds=4, start_date="2030-01-01 00:00:04",
                                                                   timezone="UTC"))),
            ("cron", 'second="*/5"', happened(16, CronTrigger(second="*/5", timezone="UTC"))),
            ("date", f'run_date="...{start[-2:]}"', happened(16, "date", run_date=start)),
        ],
    )  # fmt: skip


def every_two(**job: Any) -> list[Run]:
    trigger = IntervalTrigger(seconds=2, start_date="2030-01-01 00:00:02", timezone="UTC")
    return happened(15, trigger, (5, 11), **job)


def coalesce() -> str:
    return timeline(
        "What coalesce does with run times that have passed",
        15,
        [
            (
                "coalesce=True",
                "the last one stands for all",
                every_two(coalesce=True, misfire_grace_time=None),
            ),
            ("coalesce=False", "each is run, at once", every_two(coalesce=False, misfire_grace_time=None)),
        ],
        (5, 11),
    )


def misfire() -> str:
    trigger = IntervalTrigger(seconds=4, start_date="2030-01-01 00:00:04", timezone="UTC")
    return timeline(
        "What misfire_grace_time does with a run time that has passed",
        15,
        [
            ("misfire_grace_time=1", "3 s late is too late", happened(15, trigger, (7, 11))),
            (
                "misfire_grace_time=60",
                "it is run late",
                happened(15, trigger, (7, 11), misfire_grace_time=60),
            ),
        ],
        (7, 11),
    )


def overlap() -> str:
    trigger = IntervalTrigger(seconds=3, start_date="2030-01-01 00:00:03", timezone="UTC")
    return timeline(
        "A job that takes five seconds, every three seconds",
        17,
        [
            ("max_instances=1", "not while it is running", happened(22, trigger, lasts=5)[:4]),
            ("max_instances=2", "two at the same time", happened(22, trigger, lasts=5, max_instances=2)[:4]),
        ],
    )


def dst() -> str:
    """Two nights in Berlin: what the clock shows, and when a daily and an hourly job and an interval are run."""
    zone = ZoneInfo("Europe/Berlin")
    nights = [
        ("28 March 2027: the clock goes from 02:00 to 03:00", datetime(2027, 3, 27, 23, tzinfo=UTC)),
        ("31 October 2027: the clock goes from 03:00 back to 02:00", datetime(2027, 10, 30, 22, tzinfo=UTC)),
    ]
    rows: list[tuple[str, Callable[[], BaseTrigger]]] = [
        ("cron, hour=2, minute=30", lambda: CronTrigger(hour=2, minute=30, timezone=zone)),
        ('cron, minute="0"', lambda: CronTrigger(minute="0", timezone=zone)),
        ("interval, hours=1", lambda: IntervalTrigger(hours=1, start_date="2027-01-01", timezone="UTC")),
        ("cron in UTC, hour=1", lambda: CronTrigger(hour=1, timezone="UTC")),
    ]
    parts, y, hours, wide = [], 30, 5, 110
    for title, begin in nights:
        parts.append(text(16, y, title, 14, more='font-weight="bold"'))
        for half in range(2 * hours + 1):
            x, now = LEFT + wide * half / 2, (begin + timedelta(minutes=30 * half)).astimezone(zone)
            if half % 2 == 0:
                parts.append(text(x, y + 24, f"{now:%H:%M}", 12, "#616161", 'text-anchor="middle"'))
                parts.append(line(x, y + 30, x, y + 34 + 26 * len(rows), "#e0e0e0"))
        for number, (name, make) in enumerate(rows):
            row = y + 50 + 26 * number
            parts += [text(16, row + 4, name), line(LEFT, row, LEFT + wide * hours, row)]
            trigger, previous = make(), None
            while True:
                then = trigger.get_next_fire_time(previous, previous or begin)
                if then is None or then.astimezone(UTC) > begin + timedelta(hours=hours):
                    break
                x = LEFT + wide * (then.astimezone(UTC) - begin).total_seconds() / 3600
                parts.append(f'<circle cx="{x:g}" cy="{row}" r="6" fill="{COLOURS["succeeded"]}"/>')
                previous = then
        y += 80 + 26 * len(rows)
    return document(
        LEFT + wide * hours + 40, y - 10, "Fire times in the nights when the clock is changed", parts
    )


STATES = {
    # status: (x, y, what it means)
    "running": (40, 130, "claimed, with its record"),
    "skipped": (300, 20, "no room, or coalesced"),
    "set_aside": (40, 220, "cannot be read or run here"),
    "missed": (300, 100, "too late when a worker was free"),
    "succeeded": (300, 160, "the function returned"),
    "failed": (300, 220, "the function raised"),
    "interrupted": (300, 280, "its node died, or was shut down"),
}


def run_states() -> str:
    parts = [
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
        '<path d="M 0 0 L 8 4 L 0 8 z" fill="#616161"/></marker></defs>'
    ]
    arrow = 'stroke-width="1.6" marker-end="url(#tip)"'
    parts += ['<circle cx="25" cy="105" r="7" fill="#222222"/>', text(16, 70, "the run time has come", 12)]
    parts += [line(25, 112, 38, 148, "#616161", arrow), line(25, 112, 38, 238, "#616161", arrow)]
    parts += [f'<path d="M 32 103 Q 170 85 297 45" fill="none" stroke="#616161" {arrow}/>']  # to skipped
    for status in ("missed", "succeeded", "failed", "interrupted"):
        x, y, _ = STATES[status]
        parts.append(line(240, 155, x - 3, y + 22, "#616161", arrow))
    for status, (x, y, meaning) in STATES.items():
        parts.append(box(x, y, 200, 44, COLOURS[status]))
        parts.append(text(x + 100, y + 19, status, 14, "#ffffff", 'text-anchor="middle" font-weight="bold"'))
        parts.append(text(x + 100, y + 36, meaning, 11, "#ffffff", 'text-anchor="middle"'))
    return document(520, 345, "The states of a run", parts)


PICTURES: dict[str, Callable[[], str]] = {
    "triggers": triggers,
    "coalesce": coalesce,
    "misfire": misfire,
    "overlap": overlap,
    "dst": dst,
    "run-states": run_states,
}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (FOLDER / f"{name}.svg").write_text(draw(), encoding="utf-8")
