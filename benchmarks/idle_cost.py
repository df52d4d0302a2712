"""What do 100,000 jobs cost while none of them is due for an hour: processor time, memory, statements?

python benchmarks/idle_cost.py [--seconds 60] [--jobs 100000] [--peer PYTHON] [--json FILE]

Each scheduler has a process of its own and one main thread that waits; they are measured at the same time, because what
is counted is their own processor time. Memory is what the process holds at the end more than at the beginning. With a
peer (3.11.3) its memory store is measured as well; a table of so many jobs would take it a quarter of an hour to fill.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from _results import arguments, resident, save, short

SETTLE = 12.0
"""Seconds before it is looked at; the first heartbeats are made and what they need is loaded by then."""


def idle(store: str, url: str, jobs: int, seconds: float) -> None:
    """Be the process that is measured; print what it has cost."""
    from apscheduler.schedulers.background import BackgroundScheduler

    statements = [0]
    if store == "memory":
        from _tools import noop

        scheduler = BackgroundScheduler(timezone=UTC)
        scheduler.start()
        first = datetime.now(UTC) + timedelta(hours=1)
        for number in range(jobs):
            due = first + timedelta(seconds=number)
            scheduler.add_job(noop, "interval", days=1, next_run_time=due, id=str(number))
    else:
        from _filling import scheduler_on, store_on
        from sqlalchemy import event

        on = store_on(url)
        event.listen(
            on.engine, "before_cursor_execute", lambda *_: statements.__setitem__(0, statements[0] + 1)
        )
        scheduler = scheduler_on(on)
        scheduler.start()
    time.sleep(min(SETTLE, seconds))
    before, used, said = resident(), time.process_time(), statements[0]
    time.sleep(seconds)
    used = time.process_time() - used
    print(json.dumps({"used": used, "grown": resident() - before, "statements": statements[0] - said}))
    scheduler.shutdown()


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument(
        "--peer", metavar="PYTHON", help="interpreter of an environment with apscheduler==3.11.3"
    )
    options = parser.parse_args()
    from _filling import drop_table, fill_table
    from _servers_here import postgresql

    with tempfile.TemporaryDirectory() as folder:
        urls = {"memory": "-", "SQLite": f"sqlite:///{folder}/jobs.sqlite", "PostgreSQL": postgresql()}
        asked: list[tuple[str, str, Any]] = []
        for store, url in urls.items():
            if url is None:
                continue
            if store != "memory":
                fill_table(url, 1, options.jobs, hours=1)
            asked.append(("ours", store, [sys.executable, __file__, "idle", store, url]))
        if options.peer:
            asked.append(("3.11.3", "memory", [options.peer, __file__, "idle", "memory", "-"]))
        processes = [
            subprocess.Popen(
                [*command, str(options.jobs), str(options.seconds)], stdout=subprocess.PIPE, text=True
            )
            for _, _, command in asked
        ]
        print(f"{'':10}{'store':12}{'of a core':>11}{'grown':>10}{'statements a minute':>21}")
        rows = []
        for (who, store, _), process in zip(asked, processes, strict=True):
            figures = json.loads(process.communicate()[0])
            row = {
                "who": who, "store": store, "jobs": options.jobs, "seconds": options.seconds,
                "percent": figures["used"] / options.seconds * 100, "grown_kib": figures["grown"] / 1024,
                "statements": figures["statements"] / options.seconds * 60,
            }  # fmt: skip
            rows.append(row)
            print(
                f"{who:10}{store:12}{row['percent']:10.3f}%{short(row['grown_kib']):>6} KiB{row['statements']:21.1f}",
                flush=True,
            )
        if urls["PostgreSQL"]:
            drop_table(urls["PostgreSQL"])
    save(options.json, rows)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    if sys.argv[1:2] == ["idle"]:
        _, _, store, url, jobs, seconds = sys.argv
        idle(store, url, int(jobs), float(seconds))
    else:
        main()
