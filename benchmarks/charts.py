"""Draw the charts of docs/explanation/speed.md and write its tables, from what is recorded in benchmarks/results/.

python benchmarks/charts.py

The page can only say what was measured: its tables stand between `<!-- table: NAME -->` and `<!-- end -->` and are
written here, and a test tells when a chart or a table is not what the records say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from _results import load, short
from _shapes import bars, columns, curves

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "explanation" / "speed.md"
FOLDER = ROOT / "docs" / "pictures" / "speed"
Row = dict[str, Any]
Table = list[list[str]]

# What was to be reached: figure, unit of the goal ("x" is a ratio to 3.11.3), at least, aimed for.
GOALS: list[tuple[str, str, float, float]] = [
    ("cron fire time", "x", 20, 40),
    ("add a job to memory", "x", 6, 12),
    ("memory of a job", "x", 1.5, 2.5),
    ("run jobs from memory", "of the bare pool", 0.6, 1.0),
    ("run jobs from SQLite", "x", 20, 50),
    ("run jobs from PostgreSQL", "x", 10, 25),
    ("run jobs from Redis", "x", 5, 15),
    ("add jobs to SQLite one by one", "x", 4, 12),
    ("add many jobs to SQLite", "jobs/s", 20_000, 50_000),
    ("lateness, 99th percentile", "x", 1, 2),
]


# -- charts -------------------------------------------------------------------------------------------------------


def against_3() -> str:
    goals = {name: (least, aim) for name, unit, least, aim in GOALS if unit == "x"}
    rows = load("compare")["rows"]
    return bars(
        "How many times better than APScheduler 3.11.3",
        [(r["name"], r["ratio"], r["least"], r["most"], f"{short(r['ratio'])}x") for r in rows],
        "3.11.3",
        [goals.get(r["name"]) for r in rows],
    )


def against_floors() -> str:
    rows = load("floors")["rows"]
    return bars(
        "Speed as a share of the floor",
        [(r["name"], r["share"], r["least"], r["most"], f"{r['share']:.2f}") for r in rows],
        "floor",
        linear=True,
    )


def against_others() -> str:
    rows = load("others")["rows"]
    return bars(
        "How many times faster than others",
        [
            (
                f"{r['other']}: {_shorter(r['name'])}",
                r["ratio"],
                r["least"],
                r["most"],
                f"{short(r['ratio'])}x",
            )
            for r in rows
        ],
        "as fast",
    )


def firing() -> str:
    lines: dict[str, list[tuple[float, float, float, float]]] = {}
    for row in load("scaling")["jobs"]:
        point = (row["jobs"], row["firing_us"], row["least"], row["most"])
        lines.setdefault(row["store"], []).append(point)
    return curves("A firing among so many sleeping jobs", lines, "microseconds until the job has run")


def nodes() -> str:
    rows = load("scaling")["nodes"]
    return columns(
        "Schedulers that share one PostgreSQL server",
        [(f"{r['nodes']} scheduler{'s' * (r['nodes'] > 1)}", r["rate"], r["least"], r["most"]) for r in rows],
        "jobs a second, all outcomes recorded",
    )


CHARTS: dict[str, Callable[[], str]] = {
    "against-3": against_3,
    "floors": against_floors,
    "others": against_others,
    "firing": firing,
    "nodes": nodes,
}


# -- tables -------------------------------------------------------------------------------------------------------


def table_of_goals() -> Table:
    measured = {row["name"]: row for row in load("compare")["rows"]}
    table = [["workload", "at least", "aimed for", "reached", "spread"]]
    for name, unit, least, aim in GOALS:
        row = measured.get(name)
        if row is None:
            reached, between = "-", "-"
        elif unit == "x":
            reached, between = f"{short(row['ratio'])}x", f"{short(row['least'])}-{short(row['most'])}x"
        elif unit == "jobs/s":
            reached, between = f"{short(row['ours'])} {unit}", _between(row["ours_spread"])
        else:
            reached, between = (
                f"{row['more']['of_bare_pool']:.2f}",
                _between(row["more_spread"]["of_bare_pool"]),
            )
        goal = [f"{value:,g}x" if unit == "x" else f"{value:,g} {unit}" for value in (least, aim)]
        table.append([name, *goal, reached, between])
    flat = [row for row in load("scaling")["jobs"] if row["store"] == "memory"]
    few, many = flat[0], flat[-1]
    between = [
        many["processor_least"] / few["processor_most"],
        many["processor_most"] / few["processor_least"],
    ]
    name = f"processor time of a firing among {many['jobs']:,} jobs, of one among {few['jobs']:,}"
    grown = f"{many['processor_us'] / few['processor_us']:.2f}x"
    table.append([name, "at most 1.5x", "1x", grown, f"{_between(between)}x"])
    return table


def table_of_3() -> Table:
    table = [["", "3.11.3", "here", "", "better by", "spread", "and"]]
    for row in load("compare")["rows"]:
        more = ", ".join(f"{key.replace('_', ' ')}: {short(value)}" for key, value in row["more"].items())
        between = f"{short(row['least'])}-{short(row['most'])}"
        table.append(
            [
                row["name"], short(row["theirs"]), short(row["ours"]), row["unit"], f"{short(row['ratio'])}x",
                between, more,
            ]
        )  # fmt: skip
    return table


def table_of_floors() -> Table:
    table = [["", "floor", "here", "", "share of the floor", "spread"]]
    for row in load("floors")["rows"]:
        between = f"{row['least']:.2f}-{row['most']:.2f}"
        table.append(
            [
                row["name"],
                short(row["floor"]),
                short(row["ours"]),
                row["unit"],
                f"{row['share']:.2f}",
                between,
            ]
        )
    return table


def table_of_others() -> Table:
    table = [["", "other", "theirs", "here", "", "better by", "spread"]]
    for row in load("others")["rows"]:
        between = f"{short(row['least'])}-{short(row['most'])}"
        table.append(
            [
                row["name"], row["other"], short(row["theirs"]), short(row["ours"]), row["unit"],
                f"{short(row['ratio'])}x", between,
            ]
        )  # fmt: skip
    return table


def table_of_scaling() -> Table:
    table = [["store", "jobs", "a firing", "of processor", "the first 50 jobs", "50 from the middle"]]
    for row in load("scaling")["jobs"]:
        times = [f"{short(row[key])} us" for key in ("firing_us", "processor_us")]
        pages = [f"{short(row[key])} ms" for key in ("page_ms", "middle_ms")]
        table.append([row["store"], f"{row['jobs']:,}", *times, *pages])
    return table


def table_of_idle() -> Table:
    table = [["", "store", "of one core", "memory grown", "statements a minute"]]
    for row in load("idle_cost")["rows"]:
        who = "here" if row["who"] == "ours" else row["who"]
        grown = f"{short(row['grown_kib'])} KiB"
        table.append([who, row["store"], f"{row['percent']:.3f}%", grown, f"{row['statements']:.0f}"])
    return table


def table_of_million() -> Table:
    million = load("million")
    table = [["", "jobs", "took", "memory"]]
    table += [
        [
            f"`{r['how']}()` in memory",
            f"{r['jobs']:,}",
            f"{short(r['seconds'])} s",
            f"{r['held'] / 1e9:.2f} GB",
        ]
        for r in million["memory"]
    ]
    for row in million["start"]:
        first = f"{short(row['first'] * 1e3)} ms to the first run, {short(row['last'] * 1e3)} to the tenth"
        table.append(
            [f"`start()` on {row['store']}", f"{row['jobs']:,}", first, f"{row['held'] / 1e6:.1f} MB"]
        )
    return table


def table_of_machine() -> Table:
    table = [["part", "measured", "with"]]
    for part in ("compare", "floors", "others", "scaling", "idle_cost", "million"):
        recorded = load(part)
        table.append([part, recorded["measured"], f"`{recorded['command']}`"])
    here = load("compare")["machine"]
    table += [["machine", here["processor"], f"{here['memory']}; {here['system']}"]]
    table += [["versions", here["python"], here["packages"]]]
    busy = [load(part)["machine"]["load"] for part in ("compare", "scaling")]
    return [
        *table,
        [
            "load",
            f"{busy[0]} after compare, {busy[1]} after scaling",
            "of which the benchmark itself is 1 to 2",
        ],
    ]


TABLES: dict[str, Callable[[], Table]] = {
    "goals": table_of_goals,
    "against 3.11.3": table_of_3,
    "floors": table_of_floors,
    "others": table_of_others,
    "scaling": table_of_scaling,
    "idle": table_of_idle,
    "million": table_of_million,
    "machine": table_of_machine,
}


def _shorter(name: str) -> str:
    """Return the name of a comparison as it fits beside a bar."""
    name = name.replace("1,000 due: beat sends, here they run", "sending what is due")
    return re.sub(r"run [\d,]+ due jobs", "due jobs", name).replace("cron fire time", "cron")


def _between(ends: Sequence[float]) -> str:
    return f"{short(ends[0])}-{short(ends[1])}"


def page() -> str:
    """Return the text of the page with its tables as the records say."""

    def table(found: re.Match[str]) -> str:
        head, *rows = TABLES[found[1]]()
        lines = [head, ["---"] * len(head), *rows]
        made = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        return f"<!-- table: {found[1]} -->\n\n{made}\n\n<!-- end -->"

    text = PAGE.read_text(encoding="utf-8")
    return re.sub(r"<!-- table: ([^\n]*?) -->\n.*?<!-- end -->", table, text, flags=re.DOTALL)


def write() -> list[Path]:
    """Write the charts and the page; return their paths."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    paths = [FOLDER / f"{name}.svg" for name in CHARTS]
    for path, chart in zip(paths, CHARTS.values(), strict=True):
        path.write_text(chart(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
    return [*paths, PAGE]


if __name__ == "__main__":
    for path in write():
        print(path)
