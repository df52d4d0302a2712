"""English words for numbers, lists and zones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from apscheduler.util import timezone_repr


def listed(parts: Sequence[str]) -> str:
    """Return `a`, `a and b`, or `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def plural(count: int, unit: str) -> str:
    """Return `1 day`, `2 days`."""
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def ordinal(number: int) -> str:
    """Return `1st`, `2nd`, `3rd`, `4th`, `11th`, `21st`."""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def zone_text(zone: tzinfo) -> str:
    """Return the name of a zone."""
    name = timezone_repr(zone)
    return str(zone) if name.startswith(("datetime.", "<")) else name
