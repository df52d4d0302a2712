"""The pictures are what the code draws now, and they show what the program does."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest

from apscheduler._core import claims

DOCS = Path(__file__).parents[2] / "docs"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("_pictures", DOCS / "_pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pictures = load()


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_the_picture_is_up_to_date(name: str) -> None:
    stored = (pictures.FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    assert stored == pictures.PICTURES[name](), "python docs/_pictures.py"
    ET.fromstring(stored)  # which is valid XML


def test_no_picture_is_left_over_and_each_is_shown_on_a_page() -> None:
    names = {path.name for path in pictures.FOLDER.glob("*.svg")}
    assert names == {f"{name}.svg" for name in pictures.PICTURES}
    pages = "".join(page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md"))
    assert [name for name in sorted(names) if f"pictures/{name}" not in pages] == []


def test_the_diagram_of_states_has_every_state() -> None:
    statuses = {
        claims.RUNNING, claims.SUCCEEDED, claims.FAILED, claims.MISSED, claims.SKIPPED, claims.INTERRUPTED,
        claims.SET_ASIDE,
    }  # fmt: skip
    assert set(pictures.STATES) == statuses
    assert statuses == set(pictures.COLOURS)
