"""The jobs of `demo.py`: real work on this machine's own numbers, in CSV files.

They stand in a module of their own, because a job store keeps a function by its name. Every process that has
this folder on its path finds `demo_jobs:sample`: the next run of the demo, a worker process, another program
with a scheduler on the same file. No other program would find the function `__main__:sample`.
"""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

SAMPLES, SUMMARY, INVENTORY, COLLECTED = "samples.csv", "summary.csv", "inventory.csv", "collected.csv"


def sample(folder: str) -> float:
    """Append the load average, the used disk space and the available memory to samples.csv."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    disk = shutil.disk_usage(folder).used / 1e9
    row = [_now(), f"{load:.2f}", f"{disk:.3f}", f"{_available_memory() / 1e6:.1f}"]
    _append(Path(folder, SAMPLES), ["time", "load", "disk_used_gb", "memory_available_mb"], [row])
    return load


def summarize(folder: str) -> int:
    """Append min, mean and max of the columns of samples.csv to summary.csv; return the number of samples."""
    with Path(folder, SAMPLES).open(newline="") as file:
        samples = list(csv.DictReader(file))
    rows = []
    for name in ("load", "disk_used_gb", "memory_available_mb"):
        values = [float(line[name]) for line in samples]
        numbers = (min(values), statistics.fmean(values), max(values))
        rows.append([_now(), name, len(values), *(f"{number:.3f}" for number in numbers)])
    _append(Path(folder, SUMMARY), ["time", "what", "samples", "min", "mean", "max"], rows)
    return len(samples)


def take_inventory(folder: str) -> int:
    """Write the names and sizes of the data files to inventory.csv; return how many there are."""
    files = [path for path in sorted(Path(folder).iterdir()) if path.is_file()]
    draft = Path(folder, INVENTORY + ".tmp")
    draft.unlink(missing_ok=True)
    _append(draft, ["time", "file", "bytes"], [[_now(), path.name, path.stat().st_size] for path in files])
    draft.replace(Path(folder, INVENTORY))
    return len(files)


def collect_inventory(folder: str) -> None:
    """Move the lines of inventory.csv to collected.csv; fails where there is no new inventory."""
    inventory = Path(folder, INVENTORY)
    with inventory.open(newline="") as file:
        header, *rows = csv.reader(file)
    _append(Path(folder, COLLECTED), header, rows)
    inventory.unlink()


def check_library(seconds: float) -> str:
    """Hash files of Python's standard library for so many seconds; return how far it got."""
    library = Path(os.__file__).parent
    digest, files = hashlib.sha256(), 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for path in library.glob("*.py"):
            digest.update(path.read_bytes())
            files += 1
            time.sleep(0.01)  # a check in the background leaves the processor to others
            if time.monotonic() >= until:
                break
    return f"{files} files, {digest.hexdigest()[:12]}"


def _append(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if file.tell() == 0:
            writer.writerow(header)
        writer.writerows(rows)


def _available_memory() -> float:
    """Return the bytes of memory that are free to use: from /proc, from sysctl on macOS, else 0."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        lines = dict(line.split(":") for line in meminfo.read_text().splitlines())
        return float(lines["MemAvailable"].split()[0]) * 1024
    if sys.platform == "darwin":
        pages = subprocess.check_output(["sysctl", "-n", "vm.page_free_count"], text=True)
        return float(pages) * os.sysconf("SC_PAGE_SIZE")
    return 0.0


def _now() -> str:
    return datetime.now().isoformat(timespec="milliseconds")
