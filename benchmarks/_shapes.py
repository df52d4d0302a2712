"""The shapes of the charts: bars, curves and columns, as SVG, in the manner of the other pictures of docs/."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
OURS, THEIRS, GOAL, GREY = "#1565c0", "#9e9e9e", "#e65100", "#616161"
LINES = {"memory": "#2e7d32", "SQLite": "#1565c0", "PostgreSQL": "#6a1b9a"}


def _pictures() -> ModuleType:
    """Return the module that draws the other pictures, for its shapes."""
    spec = importlib.util.spec_from_file_location("_pictures", ROOT / "docs" / "_pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


draw = _pictures()


def bars(
    title: str,
    rows: Sequence[tuple[str, float, float, float, str]],
    one: str,
    goals: Sequence[tuple[float, float] | None] = (),
    linear: bool = False,
) -> str:
    """Draw horizontal bars: name, value, least, most, label. `one` names the line at 1, where bars begin."""
    left, wide, step = 260, 420, 30
    reach = [value for row in rows for value in row[1:4]] + [
        value for pair in goals if pair for value in pair
    ]
    low, high = (0.0, min(1.25, max(1.0, *reach))) if linear else (min(1.0, *reach), max(1.0, *reach))
    first, last = (0.0, high) if linear else (math.floor(math.log10(low)), math.ceil(math.log10(high)))

    def at(value: float) -> float:
        place = min(value, last) if linear else math.log10(value)
        return left + wide * (place - first) / (last - first)

    parts, bottom = [], 44 + step * len(rows)
    ticks = [0.25, 0.5, 0.75, 1.0] if linear else [10.0**power for power in range(int(first), int(last) + 1)]
    for tick in ticks:
        parts.append(draw.line(at(tick), 36, at(tick), bottom, "#e0e0e0"))
        words = one if tick == 1 else f"{tick:g}"
        parts.append(draw.text(at(tick), bottom + 16, words, 11, GREY, 'text-anchor="middle"'))
    for number, (name, value, least, most, label) in enumerate(rows):
        y = 44 + step * number
        begin, end = sorted((left if linear else at(1.0), at(value)))
        parts.append(draw.text(left - 12, y + 15, name, 13, more='text-anchor="end"'))
        parts.append(
            draw.box(begin, y + 4, max(end - begin, 1), 15, OURS if linear or value >= 1 else THEIRS)
        )
        parts.append(draw.line(at(least), y + 11.5, at(most), y + 11.5, "#222222"))
        goal = goals[number] if number < len(goals) else None
        parts += [draw.line(at(g), y + 1, at(g), y + 22, GOAL, 'stroke-width="2"') for g in goal or ()]
        parts.append(draw.text(left + wide + 12, y + 16, label, 12))
    parts.append(draw.line(at(1.0), 36, at(1.0), bottom, GREY))
    parts.append(draw.text(16, 22, title, 14, more='font-weight="bold"'))
    if goals:
        parts += [draw.line(left, bottom + 30, left, bottom + 44, GOAL, 'stroke-width="2"')]
        parts += [draw.text(left + 8, bottom + 42, "at least, and aimed for", 12, GREY)]
    return str(draw.document(left + wide + 80, bottom + (56 if goals else 28), title, parts))


def curves(title: str, lines: dict[str, list[tuple[float, float, float, float]]], unit: str) -> str:
    """Draw lines over the number of jobs, both axes logarithmic: jobs, value, least, most."""
    left, wide, top, high = 80, 560, 50, 240
    points = [point for line in lines.values() for point in line]
    xs, ys = [point[0] for point in points], [value for point in points for value in point[1:]]
    x0, x1 = math.log10(min(xs)), math.log10(max(xs))
    y0, y1 = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))

    def at(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - x0) / ((x1 - x0) or 1)
        return left + wide * across, top + high * (1 - (math.log10(y) - y0) / ((y1 - y0) or 1))

    parts = [draw.text(16, 22, title, 14, more='font-weight="bold"')]
    for power in range(y0, y1 + 1):
        _, y = at(xs[0], 10**power)
        parts.append(draw.line(left, y, left + wide, y, "#e0e0e0"))
        parts.append(draw.text(left - 8, y + 4, f"{10**power:,.0f}", 11, GREY, 'text-anchor="end"'))
    parts += [
        draw.text(at(x, 10**y0)[0], top + high + 18, f"{x:,.0f} jobs", 11, GREY, 'text-anchor="middle"')
        for x in sorted(set(xs))
    ]
    parts.append(draw.text(16, 40, unit, 11, GREY))
    for number, (name, line) in enumerate(lines.items()):
        colour = LINES[name]
        places = [at(x, y) for x, y, _, _ in line]
        path = " ".join(f"{'L' if n else 'M'} {x:g} {y:g}" for n, (x, y) in enumerate(places))
        parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for (x, y), (jobs, _, least, most) in zip(places, line, strict=True):
            parts.append(draw.line(x, at(jobs, least)[1], x, at(jobs, most)[1], colour))
            parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="4" fill="{colour}"/>')
        parts.append(draw.box(left + 140 * number, top + high + 34, 12, 12, colour))
        parts.append(draw.text(left + 17 + 140 * number, top + high + 44, name, 12))
    return str(draw.document(left + wide + 60, top + high + 60, title, parts))


def columns(title: str, rows: Sequence[tuple[str, float, float, float]], unit: str) -> str:
    """Draw upright bars from zero: name, value, least, most."""
    left, step, top, high = 80, 130, 50, 200
    most = max(row[3] for row in rows)
    parts = [draw.text(16, 22, title, 14, more='font-weight="bold"'), draw.text(16, 40, unit, 11, GREY)]
    for number, (name, value, low, top_value) in enumerate(rows):
        x, tall = left + step * number, high * value / most
        parts.append(draw.box(x, top + high - tall, 70, tall, OURS))
        middle, ends = x + 35, [top + high * (1 - end / most) for end in (low, top_value)]
        parts.append(draw.line(middle, ends[0], middle, ends[1], "#222222"))
        parts.append(draw.text(middle, top + high + 18, name, 12, more='text-anchor="middle"'))
        parts.append(
            draw.text(middle, top + high - 8, f"{value:,.0f}", 12, "#ffffff", 'text-anchor="middle"')
        )
    parts.append(draw.line(left - 10, top + high, left + step * len(rows), top + high))
    return str(draw.document(left + step * len(rows) + 20, top + high + 32, title, parts))
