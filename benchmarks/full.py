"""Measure everything, record it in benchmarks/results/, and draw the charts and tables of docs/explanation/speed.md.

python benchmarks/full.py --peer PYTHON [--peer4 PYTHON] [--rounds 5] [--again] [PART ...]

It says what it is about to do, and how long that takes on two idle cores. What is measured waits in
benchmarks/results/new until all parts are there; so a run that was cut off goes on with the part that it was at.
`--again` begins anew. Parts that are named are measured alone and recorded at once. For figures that mean something
nothing else may be busy.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import charts
from _results import FOLDER, machine

HERE = Path(__file__).parent
NEW = FOLDER / "new"
PARTS = {
    # name: (minutes, file, options, what it is)
    "compare": (
        6,
        "compare.py",
        ["--all", "--peer", "{peer}", "--rounds", "{rounds}"],
        "against APScheduler 3.11.3",
    ),
    "floors": (2, "floors.py", ["--rounds", "{rounds}"], "against the same work without a scheduler"),
    "others": (2, "others.py", ["--rounds", "{rounds}", "--peer4", "{peer4}"], "against other schedulers"),
    "scaling": (5, "scaling.py", ["--rounds", "{rounds}"], "1,000 to 1,000,000 jobs; 1 to 4 nodes"),
    "idle_cost": (2, "idle_cost.py", ["--peer", "{peer}"], "100,000 jobs that sleep"),
    "million": (2, "million.py", ["--rounds", "{rounds}"], "a million jobs added, a million rows started on"),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", required=True, metavar="PYTHON", help="of apscheduler==3.11.3")
    parser.add_argument("--peer4", required=True, metavar="PYTHON", help="of apscheduler==4.0.0a6")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--again", action="store_true", help="measure also what a run that was cut off has measured"
    )
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="PART", help=", ".join(PARTS))
    options = parser.parse_args()
    if options.again:
        shutil.rmtree(NEW, ignore_errors=True)
    wanted = options.parts or [part for part in PARTS if not (NEW / f"{part}.json").exists()]
    values = {"peer": options.peer, "peer4": options.peer4, "rounds": str(options.rounds)}
    _announce(wanted, bool(options.parts))
    for number, part in enumerate(wanted, 1):
        _, file, arguments, what = PARTS[part]
        print(f"\n[{number}/{len(wanted)}] {part}: {what}", flush=True)
        begin = time.monotonic()
        target = NEW / f"{part}.json"
        command = [sys.executable, str(HERE / file), *(argument.format(**values) for argument in arguments)]
        partial = target.with_suffix(".partial")
        subprocess.run([*command, "--json", str(partial)], check=True, cwd=HERE.parent)
        partial.replace(target)
        print(f"({(time.monotonic() - begin) / 60:.1f} minutes)", flush=True)
    for part in options.parts or PARTS:
        (NEW / f"{part}.json").replace(FOLDER / f"{part}.json")
    if not any(NEW.iterdir()):
        NEW.rmdir()
    for path in charts.write():
        print(f"wrote {path}")


def _announce(wanted: list[str], named: bool) -> None:
    here = machine()
    print(f"On {here['processor']}, {here['memory']}, {here['python']}.")
    for part, (minutes, _, _, what) in PARTS.items():
        if part in wanted:
            print(f"  {part:10} {minutes:2} min  {what}")
        elif not named:
            print(f"  {part:10}   -     measured before; `make bench-full AGAIN=1` measures it again")
    print(f"About {sum(PARTS[part][0] for part in wanted)} minutes on two idle cores.")
    if os.getloadavg()[0] > 0.5:
        print(
            f"The machine is busy (load {os.getloadavg()[0]:.1f}): the figures will tell more of that than of us."
        )


if __name__ == "__main__":
    main()
