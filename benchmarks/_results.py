"""Figures on the terminal and in a file: `benchmarks/results/PART.json`, from which the charts and tables are made.

A file says on which machine and with which command its figures were made, so that they can be made again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import sqlite3
import statistics
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"
PACKAGES = ("apscheduler", "sqlalchemy", "psycopg", "redis", "celery", "cronsim", "croniter")


def arguments(documentation: str | None, rounds: int | None = None) -> argparse.ArgumentParser:
    """Return a parser with the options that every part has."""
    parser = argparse.ArgumentParser(
        description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    if rounds is not None:
        parser.add_argument("--rounds", type=int, default=rounds)
    return parser


def save(file: Path | None, rows: Sequence[dict[str, Any]], **notes: Any) -> None:
    """Write figures with what they were measured on; nothing where there is no file."""
    if file is None:
        return
    options = [option.replace(f"{FOLDER.parents[1]}/", "") for option in _without_file(sys.argv[1:])]
    command = shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *options])
    content = {"command": command, "measured": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine(), **notes}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({**content, "rows": list(rows)}, indent=1) + "\n", encoding="utf-8")


def load(part: str) -> dict[str, Any]:
    """Return what was recorded of a part."""
    content: dict[str, Any] = json.loads((FOLDER / f"{part}.json").read_text(encoding="utf-8"))
    return content


def machine() -> dict[str, str]:
    """Return what the figures depend on: processor, memory, system, versions, and how busy the machine was."""
    cpu = [
        line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")
    ]
    memory = [int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")]
    versions = [f"{name} {found}" for name in PACKAGES if (found := _version(name))]
    return {
        "processor": f"{os.cpu_count()} x {cpu[0] if cpu else platform.processor() or platform.machine()}",
        "memory": f"{memory[0] / 2**20:.0f} GiB" if memory else "?",
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        "packages": ", ".join(versions),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def spread(values: Iterable[float]) -> tuple[float, float, float]:
    """Return the median, the least and the greatest."""
    ordered = sorted(values)
    return statistics.median(ordered), ordered[0], ordered[-1]


def short(value: float) -> str:
    """Return a figure with as many digits as mean something."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def resident() -> int:
    """Return the memory that this process holds now, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _without_file(options: Sequence[str]) -> list[str]:
    kept = list(options)
    if "--json" in kept:
        place = kept.index("--json")
        del kept[place : place + 2]
    return kept


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text().splitlines() if file.exists() else []


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
