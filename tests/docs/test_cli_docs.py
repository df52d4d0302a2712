"""The pages about the command line: the reference is current, and the how-to shows every command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("typer")
pytest.importorskip("rich")

from apscheduler.cli._app import app
from apscheduler.cli._reference import reference

DOCS = Path(__file__).parents[2] / "docs"


def test_the_reference_is_what_the_code_says():
    page = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    assert page == reference(), "python -m apscheduler.cli._reference > docs/reference/cli.md"


def test_the_how_to_shows_every_command():
    page = (DOCS / "howto" / "command-line.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^\$ apscheduler (\w+)", page, re.MULTILINE))
    assert shown == {command.name for command in app.registered_commands}
