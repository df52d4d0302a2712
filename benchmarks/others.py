"""How do other schedulers compare, where the work is the same? Each round measures all of them in turn.

python benchmarks/others.py [--rounds 5] [--peer4 PYTHON] [--json FILE] [cron] [dispatch]

cron: the next fire times of crontab expressions, against cronsim and croniter. An expression counts where all three
give the same times; those on which they do not agree, as on nights when the clock changes, are left out.

dispatch: how many due jobs a second are started. APScheduler 4.0.0a6 (an environment of its own) runs them, as we do,
from memory, from an SQLite file and from PostgreSQL; for a database our time ends when the outcome of every run is in
the run log, theirs when the last job has run. Celery beat only sends a message for each to a broker in memory; no task
runs, so it does less than is done here.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from _results import arguments, save, short, spread
from _servers_here import postgresql
from _tools import dispatch

HERE = Path(__file__).parent
EXPRESSIONS = (
    "* * * * *",
    "*/5 * * * *",
    "0 * * * *",
    "30 6 * * mon-fri",
    "0 0 1 * *",
    "15 3 * * sun",
    "0 9-17/2 * * mon,wed,fri",
    "5,35 8-18 1-15 1-6 *",
    "0 0 29 2 *",
    "59 23 31 12 *",
)
ZONES = ("UTC", "Europe/Berlin")
TIMES, RARE = 500, 20
Row = dict[str, Any]
Answer = list[tuple[str, float]]


# -- cron ---------------------------------------------------------------------------------------------------------


def ours(expression: str, start: datetime) -> Iterator[datetime]:
    from apscheduler.triggers.cron import CronTrigger

    trigger = CronTrigger.from_crontab(expression, timezone=start.tzinfo)
    previous, now = None, start
    while True:
        previous = now = trigger.get_next_fire_time(previous, now)
        yield now


def cronsim(expression: str, start: datetime) -> Iterator[datetime]:
    from cronsim import CronSim

    return CronSim(expression, start)


def croniter(expression: str, start: datetime) -> Iterator[datetime]:
    from croniter import croniter as Croniter

    times = Croniter(expression, start, ret_type=datetime)
    while True:
        yield times.get_next()


SEARCHES: dict[str, Callable[[str, datetime], Iterator[datetime]]] = {
    "ours": ours,
    "cronsim": cronsim,
    "croniter": croniter,
}


def agreed(zone: str) -> list[str]:
    """Return the expressions of which all three give the same fire times."""
    begin = datetime(2026, 1, 1, 0, 0, 30, tzinfo=ZoneInfo(zone))
    found = []
    for expression in EXPRESSIONS:
        times = [
            [time.timestamp() for time in islice(search(expression, begin), _count(expression))]
            for search in SEARCHES.values()
        ]
        if times[0] == times[1] == times[2]:
            found.append(expression)
        else:
            print(f"left out in {zone}, because they do not agree: {expression}")
    return found


def _count(expression: str) -> int:
    return RARE if "29 2" in expression else TIMES


def microseconds(search: Callable[[str, datetime], Iterator[datetime]], zone: str, which: list[str]) -> float:
    """Return what one fire time takes, all expressions together; making the search is not counted."""
    start = datetime(2026, 1, 1, 0, 0, 30, tzinfo=ZoneInfo(zone))
    seconds, calls = 0.0, 0
    for expression in which:
        times = search(expression, start)
        next(times)
        begin = time.perf_counter()
        for _ in islice(times, _count(expression)):
            calls += 1
        seconds += time.perf_counter() - begin
    return seconds / calls * 1e6


def ask_cron(rounds: int) -> list[Row]:
    rows = []
    for zone in ZONES:
        which = agreed(zone)
        measured = [
            {name: microseconds(search, zone, which) for name, search in SEARCHES.items()}
            for _ in range(rounds)
        ]
        for other in ("cronsim", "croniter"):
            pairs = [(each[other], each["ours"]) for each in measured]
            rows.append(_row(f"cron fire time, {zone}", other, "us", "lower", pairs, expressions=len(which)))
    return rows


# -- dispatch -----------------------------------------------------------------------------------------------------


def ask_dispatch(rounds: int, python4: str | None) -> list[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        if python4 is not None:
            for store, count in (("memory", 1000), ("SQLite", 300), ("PostgreSQL", 300)):
                if store == "PostgreSQL" and postgresql() is None:
                    continue
                pairs = []
                for number in range(rounds):
                    server = postgresql() if store == "PostgreSQL" else None  # a new database
                    theirs = _their_url(store, f"{folder}/4-{number}", server)
                    pairs.append(
                        (
                            _ask([python4, str(HERE / "_dispatch_on_4.py"), theirs, str(count)]),
                            ours_per_second(store, count, f"{folder}/3-{number}", server),
                        )
                    )
                rows.append(_row(f"run {count:,} due jobs, {store}", "4.0.0a6", "jobs/s", "higher", pairs))
        pairs = [
            (
                _ask([sys.executable, str(HERE / "_celery_beat.py"), "1000"]),
                ours_per_second("memory", 1000, folder, None),
            )
            for _ in range(rounds)
        ]
        rows.append(_row("1,000 due: beat sends, here they run", "Celery beat", "jobs/s", "higher", pairs))
    return rows


def ours_per_second(store: str, count: int, folder: str, server: str | None) -> float:
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore

    if store == "memory":
        return dispatch(count)[0]
    url = f"sqlite:///{folder}.sqlite" if store == "SQLite" else str(server)
    return dispatch(count, SQLAlchemyJobStore(url))[1]


def _their_url(store: str, folder: str, server: str | None) -> str:
    if store == "memory":
        return "memory"
    return f"sqlite+aiosqlite:///{folder}.sqlite" if store == "SQLite" else str(server)


def _ask(command: list[str]) -> float:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    figures = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not figures:
        sys.exit(f"{' '.join(command)} failed: {(done.stderr.splitlines() or ['?'])[-1]}")
    return float(json.loads(figures[-1])["value"])


# -- answers ------------------------------------------------------------------------------------------------------


def _row(name: str, other: str, unit: str, better: str, pairs: list[tuple[float, float]], **more: Any) -> Row:
    """Return the medians of both, and the median and spread of the ratios; above 1 ours is better."""
    ratios = [theirs / own if better == "lower" else own / theirs for theirs, own in pairs]
    ratio, least, most = spread(ratios)
    row = {
        "name": name,
        "other": other,
        "unit": unit,
        "theirs": spread(theirs for theirs, _ in pairs)[0],
        "ours": spread(own for _, own in pairs)[0],
        "ratio": ratio,
        "least": least,
        "most": most,
        "rounds": len(pairs),
        **more,
    }
    print(
        f"{name:38}{other:12}{short(row['theirs']):>10}{short(row['ours']):>10} {unit:8}{ratio:7.1f}x"
        f"   {least:.1f}-{most:.1f}",
        flush=True,
    )
    return row


def main() -> None:
    parser = arguments(__doc__, rounds=5)
    default = HERE.parent / ".venv-4.0.0a6" / "bin" / "python"
    parser.add_argument("--peer4", default=str(default) if default.exists() else None, metavar="PYTHON")
    parser.add_argument("parts", nargs="*", metavar="PART", help="cron, dispatch; default both")
    options = parser.parse_args()
    print(f"{'':38}{'':12}{'theirs':>10}{'ours':>10} {'':8}{'better by':>8}   spread")
    rows = []
    if not options.parts or "cron" in options.parts:
        rows += ask_cron(options.rounds)
    if not options.parts or "dispatch" in options.parts:
        rows += ask_dispatch(options.rounds, options.peer4)
    save(options.json, rows)


if __name__ == "__main__":
    main()
