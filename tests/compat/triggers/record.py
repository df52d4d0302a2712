"""Record what APScheduler 3.11.3 answers, for test_recorded.py to compare with.

Run it with an interpreter that has apscheduler==3.11.3 (and tzlocal, pytz) installed, never with this project's:

    python tests/compat/triggers/record.py --seed 7 --count 6000 --output tests/compat/triggers/recorded.json.gz

A case is a trigger and a chain of questions, each with the time before (the answer before, unless it says another) and
the time it is asked at. Times are microseconds since the epoch. An answer is such a time, null, "hang" where the
watchdog had to end the search, or the name of the error.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import trigger_specs as specs


class Hang(BaseException):
    """Not an Exception, so that nothing on the way out can swallow it."""


def ring(*_: object) -> None:
    raise Hang


def ask(trigger: Any, previous: datetime | None, now: datetime, patience: float) -> Any:
    signal.setitimer(signal.ITIMER_REAL, patience)
    try:
        return trigger.get_next_fire_time(previous, now)
    except Hang:
        return "hang"
    except Exception as exc:
        return type(exc).__name__
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def record_case(rng: random.Random, steps: int) -> dict[str, Any] | None:
    spec, zone = specs.random_trigger(rng)
    trigger = specs.build(spec)
    patience = 0.3 if spec[0] == "and" else 2.0
    now = specs.random_moment(rng, zone)
    asked: list[Any] = []
    previous: datetime | None = None
    tz = None
    for step in range(steps):
        if step and rng.random() < 0.15:
            # A question of its own: any time before, at most three hours before now.
            previous = specs.random_moment(rng, zone)
            now = specs.later(previous, rng.choice((0, 0, 1, rng.randrange(10800))))
            given: Any = specs.to_micros(previous)
        else:
            given = 0
        answer = ask(trigger, previous, now, patience)
        if isinstance(answer, datetime):
            tz = tz or specs.describe_zone(answer.tzinfo)
            asked.append([given, specs.to_micros(now), specs.to_micros(answer)])
            previous = answer
            now = specs.later(answer, rng.choice((0, 0, 0, 1, rng.randrange(90000))))
            continue
        asked.append([given, specs.to_micros(now), answer])
        if answer == "hang" or (answer is None and rng.random() < 0.7):
            break
        previous, now = None, specs.random_moment(rng, zone)
    return {"trigger": spec, "zone": zone, "tz": tz, "asked": compact(asked)}


def compact(asked: list[Any]) -> list[Any]:
    """Return the questions with each time as the distance from the one before, which compresses well."""
    last, rows = 0, []
    for given, now, answer in asked:
        row: list[Any] = [given and given - last, now - last]
        last = now
        if isinstance(answer, int):
            row.append(answer - last)
            last = answer
        else:
            row.append(answer)
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--count", type=int, default=6000, help="number of triggers")
    parser.add_argument("--steps", type=int, default=12, help="number of questions for each trigger")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    import apscheduler

    if apscheduler.version != "3.11.3":
        parser.error(f"this interpreter has apscheduler {apscheduler.version}, not 3.11.3")
    signal.signal(signal.SIGALRM, ring)
    rng = random.Random(arguments.seed)
    cases = [record_case(rng, arguments.steps) for _ in range(arguments.count)]
    data = {
        "release": apscheduler.version,
        "seed": arguments.seed,
        "zones": {name: specs.fingerprint(name) for name in specs.ZONES},
        "cases": cases,
    }
    text = json.dumps(data, separators=(",", ":"))
    # Without a time of its own, so that the same answers make the same file.
    arguments.output.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    sys.stdout.write(f"{len(cases)} triggers, {arguments.output.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
