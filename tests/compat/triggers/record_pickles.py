"""Record triggers as APScheduler 3.11.3 pickles them, for test_pickles.py to read.

Run it with an interpreter that has apscheduler==3.11.3 (and tzlocal, pytz) installed, never with this project's:

    python tests/compat/triggers/record_pickles.py --output tests/compat/triggers/pickles.json

Each entry has the trigger as plain data, its pickle in base64, and its repr and fire times as that release tells them.
"""

from __future__ import annotations

import argparse
import base64
import json
import pickle
import random
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import trigger_specs as specs

EXTRA: list[list[Any]] = [
    ["cron", {"timezone": "UTC", "hour": "*/3", "jitter": 0}],
    [
        "cron",
        {
            "timezone": "UTC",
            "day": "last,3rd fri,last mon,5",
            "month": "1-3,jul-sep",
            "day_of_week": "mon-fri,0",
        },
    ],
    [
        "cron",
        {"timezone": "pytz:Asia/Kathmandu", "second": "*/20", "start_date": "2030-01-01 00:00:00+05:45"},
    ],
    ["interval", {"timezone": "+3", "weeks": 2, "start_date": "2025-01-01", "end_date": "2031-01-01"}],
    ["calendarinterval", {"timezone": "UTC", "months": 1, "start_date": "2025-01-31", "second": 5}],
    ["date", {"timezone": "Asia/Kathmandu", "run_date": "2030-05-05 05:05:05"}],
]


def random_steady_trigger(rng: random.Random) -> list[Any]:
    """Return a trigger in a zone without clock changes, so that both releases agree on every fire time."""
    zone = rng.choice(("UTC", "+3", "Asia/Kathmandu"))
    makers = (specs.random_cron, specs.random_interval, specs.random_calendarinterval, specs.random_date)
    if rng.random() < 0.15:
        return ["or", {}, [rng.choice(makers)(rng, zone) for _ in range(2)]]
    spec = rng.choice(makers)(rng, zone)
    spec[1].pop("year", None)
    return spec


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--count", type=int, default=80)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    import apscheduler

    if apscheduler.version != "3.11.3":
        parser.error(f"this interpreter has apscheduler {apscheduler.version}, not 3.11.3")
    rng = random.Random(arguments.seed)
    entries = []
    for spec in EXTRA + [random_steady_trigger(rng) for _ in range(arguments.count)]:
        trigger = specs.build(spec)
        entries.append(
            {
                "trigger": spec,
                "pickle": base64.b64encode(pickle.dumps(trigger, rng.choice((2, 4, 5)))).decode(),
                "repr": repr(trigger),
                "fires": specs.fires(trigger),
            }
        )
    arguments.output.write_text(json.dumps(entries, indent=0), encoding="utf-8")
    sys.stdout.write(f"{len(entries)} triggers\n")


if __name__ == "__main__":
    main()
