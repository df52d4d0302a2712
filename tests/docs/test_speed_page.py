"""The page on speed says what was measured: its charts and tables are what the records in benchmarks/results/ give."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from _servers import postgresql_url

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def charts(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import charts

    return charts


def test_the_charts_are_up_to_date_and_shown_on_the_page(charts):
    page = charts.PAGE.read_text(encoding="utf-8")
    for name, chart in charts.CHARTS.items():
        stored = (charts.FOLDER / f"{name}.svg").read_text(encoding="utf-8")
        assert stored == chart(), "python benchmarks/charts.py"
        ET.fromstring(stored)  # which is valid XML
        assert f"pictures/speed/{name}.svg" in page
    assert {path.stem for path in charts.FOLDER.glob("*.svg")} == set(charts.CHARTS)


def test_the_tables_are_up_to_date_and_none_is_left_out(charts):
    text = charts.PAGE.read_text(encoding="utf-8")
    assert text == charts.page(), "python benchmarks/charts.py"
    assert set(re.findall(r"<!-- table: (.*?) -->", text)) == set(charts.TABLES)


@pytest.mark.parametrize("part", ["compare", "floors", "others", "scaling", "idle_cost", "million"])
def test_a_record_says_how_it_was_made_and_not_where(part):
    record = json.loads((BENCHMARKS / "results" / f"{part}.json").read_text(encoding="utf-8"))
    assert record["command"].startswith("python benchmarks/")
    assert record["machine"]["processor"]
    shown = (ROOT / "docs" / "explanation" / "speed.md").read_text(encoding="utf-8")
    assert str(ROOT) not in shown
    assert not re.search(r"`[^`]* /[a-z]+/", shown)  # no path of the machine in a command


def test_every_benchmark_says_its_question_in_the_table_of_the_folder():
    readme = (BENCHMARKS / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in BENCHMARKS.glob("[!_]*.py")}
    assert {name for name in files if f"`{name}`" not in readme and f"/{name}" not in readme} == set()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            ["scaling.py", "jobs", "--stores", "memory", "--most", "1000", "--rounds", "1"],
            "memory            1,000",
        ),
        (["million.py", "memory", "--jobs", "500"], "add_job()           500 jobs"),
        (["million.py", "start", "--jobs", "500", "--rounds", "1"], "SQLite              500 rows"),
        (["idle_cost.py", "--jobs", "50", "--seconds", "0.2"], "ours      SQLite"),
        (["cluster_throughput.py", "--help"], "--jobs"),
        (["profiles.py", "--help"], "--within"),
        (["full.py", "--help"], "--again"),
        (["floors.py", "cron", "--rounds", "1"], "cron fire time"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_benchmark_runs_with_small_numbers(command, said, tmp_path):
    """So that a change which breaks one is noticed before somebody wants to measure."""
    file, *options = command
    environment = {**os.environ, "APSCHEDULER_TEST_POSTGRESQL_URL": postgresql_url()}
    recorded = tmp_path / "figures.json"
    if "--help" not in options:
        options += ["--json", str(recorded)]
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / file), *options],
        capture_output=True,
        text=True,
        timeout=50,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
    assert "--help" in options or "machine" in json.loads(recorded.read_text())
