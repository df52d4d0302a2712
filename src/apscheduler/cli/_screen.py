"""What the commands print: tables, times, JSON; readable on any width, without colour, and in a pipe."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

STATUS_STYLES = {
    "running": "cyan",
    "succeeded": "green",
    "failed": "bold red",
    "missed": "yellow",
    "skipped": "yellow",
    "interrupted": "red",
    "set_aside": "red",
    "unreadable": "bold red",
    "paused": "yellow",
}
_IN_A_PIPE = 10_000


def console(stderr: bool = False) -> Console:
    """Return a console on standard output (or error), made anew so that it sees the stream as it is now.

    It prints texts as they are: no markup, no highlighting. In a pipe its lines are as long as they need to be,
    unless COLUMNS says otherwise.
    """
    made = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not made.is_terminal and not os.environ.get("COLUMNS", "").isdecimal():
        made.width = _IN_A_PIPE
    return made


def printable(text: str) -> str:
    """Return `text` with control characters spelled out, so that no stored text can command a terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def make_table(*columns: str) -> Table:
    """Return an empty table without lines; a column whose name ends with `>` is aligned to the right.

    Cells that are too long are folded and not cut, because a shortened id is no use.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in columns:
        justify = name.endswith(">")
        table.add_column(name.rstrip(">"), justify="right" if justify else "left", overflow="fold")
    return table


def add_row(table: Table, *cells: str) -> None:
    """Add a row of texts; one that is the name of a status is coloured."""
    table.add_row(*(Text(printable(cell), STATUS_STYLES.get(cell.partition(" ")[0], "")) for cell in cells))


def print_table(table: Table) -> None:
    """Print a table; in a pipe without the blanks at the ends of lines."""
    out = console()
    if out.is_terminal:
        out.print(table)
        return
    with out.capture() as captured:
        out.print(table)
    for line in captured.get().splitlines():
        say(line.rstrip())


def say(text: str) -> None:
    """Print a line on standard output."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Print a line on standard error: what is good to know, and does not belong to the answer."""
    sys.stderr.write(f"{printable(text)}\n")


def print_json(value: Mapping[str, Any] | Sequence[Any], one_line: bool = False) -> None:
    """Print a value as JSON; what JSON does not know is printed as its text."""
    say(json.dumps(value, indent=None if one_line else 2, default=str, ensure_ascii=False))


def time_text(time: datetime | float | None, zone: tzinfo, weekday: bool = False) -> str:
    """Return a time (or seconds since the epoch) in a zone, to the second, with the zone's name; '-' for None."""
    if time is None:
        return "-"
    shown = _in_zone(time, zone)
    return shown.strftime("%a %Y-%m-%d %H:%M:%S %Z" if weekday else "%Y-%m-%d %H:%M:%S %Z").rstrip()


def iso(time: datetime | float | None, zone: tzinfo) -> str | None:
    """Return a time in a zone as ISO 8601 with its offset; None for None."""
    return None if time is None else _in_zone(time, zone).isoformat()


def _in_zone(time: datetime | float, zone: tzinfo) -> datetime:
    return time.astimezone(zone) if isinstance(time, datetime) else datetime.fromtimestamp(time, zone)


def duration_text(duration: timedelta | None) -> str:
    """Return a duration with the two units that matter: '1.2 ms', '3.40 s', '2 h 5 min', '3 d 4 h'; '-' for None."""
    if duration is None:
        return "-"
    seconds = abs(duration.total_seconds())
    sign = "-" if duration < timedelta() else ""
    if seconds < 0.001:
        return f"{sign}{seconds * 1e6:.0f} us"
    if seconds < 1:
        return f"{sign}{seconds * 1000:.1f} ms"
    if seconds < 60:
        return f"{sign}{seconds:.2f} s"
    whole = round(seconds)
    for size, unit, smaller, less in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            count, rest = divmod(whole, size)
            return f"{sign}{count} {unit}" + (f" {rest // smaller} {less}" if rest // smaller else "")
    return f"{sign}{whole} s"
