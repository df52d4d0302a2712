"""The programs of the README and of docs/ run, and print what the pages say.

Each block of Python that imports something is a program of its own; the others are fragments. The programs of a page
are run in one folder, one after another, each under the name in its first line (`# name.py`). A `text` block right
after one shows its output: each of its lines must have been printed, up to numbers.
"""

from __future__ import annotations

import re
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from _programs import finish

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#]+)")


class Program(NamedTuple):
    name: str
    text: str
    output: str


def programs(page: Path) -> list[Program]:
    found = []
    for number, block in enumerate(BLOCK.finditer(page.read_text(encoding="utf-8"))):
        if not re.search(r"^(?:import|from) ", block[1], re.MULTILINE):
            continue
        name = re.match(r"# (\w+\.py)\n", block[1])
        found.append(Program(name[1] if name else f"block{number}.py", block[1], block[2] or ""))
    return found


PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
WITH_PROGRAMS = [page for page in PAGES if programs(page)]


def shape(line: str) -> str:
    """Return a line without its numbers, which differ from run to run."""
    return re.sub(r"\d+", "0", line.strip())


def run_all(page: Path, folder: Path) -> list[tuple[Program, str]]:
    """Run the programs of a page one after another, and return what each of them printed."""
    found = programs(page)
    for program in found:
        (folder / program.name).write_text(program.text, encoding="utf-8")
    return [(program, finish(folder / program.name, folder)) for program in found]


@pytest.fixture(scope="module")
def ran(
    background: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory
) -> dict[Path, Future[list[tuple[Program, str]]]]:
    return {page: background.submit(run_all, page, tmp_path_factory.mktemp("page")) for page in WITH_PROGRAMS}


@pytest.mark.parametrize("page", WITH_PROGRAMS, ids=lambda page: page.name)
def test_the_programs_of_the_page_run_and_print_what_it_says(
    page: Path, ran: dict[Path, Future[list[tuple[Program, str]]]]
) -> None:
    for program, output in ran[page].result():
        printed = {shape(line) for line in output.splitlines()}
        assert {shape(line) for line in program.output.splitlines()} <= printed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_links_of_the_page_lead_somewhere(page: Path) -> None:
    assert [
        link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()
    ] == []


def test_the_first_program_of_the_readme_fits_on_a_screen() -> None:
    first = programs(ROOT / "README.md")[0]
    assert 15 <= len(first.text.splitlines()) <= 20
    assert first.output
