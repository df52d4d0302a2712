"""The programs of the README and of docs/ run, and print what the pages say.

Each block of Python that imports something is a program of its own; the others are fragments, whose syntax is checked.
The programs of a page are run in one folder, one after another, each under the name in its first line (`# name.py`). A
`text` block right after one shows its output: each of its lines must have been printed, up to numbers. A `console` block with `$ python name.py` shows it again, unless the comment before it says
that it depends on the time.
"""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

import pytest
from _programs import finish

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(
    r"^(<!-- depends on the time -->\n\n)?```console\n\$ python (\w+\.py)\n(.*?)^```\n",
    re.MULTILINE | re.DOTALL,
)
IMPORT = re.compile(r"^(?:import|from) ", re.MULTILINE)
SHELL = re.compile(r"^```sh\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\](?:\(|: )(?!https?:|mailto:)([^)#\s]*)(#[^)\s]*)?(?:\)|$)", re.MULTILINE)
INCLUDE = re.compile(r"^```\{literalinclude\} (\S+)$", re.MULTILINE)
pytestmark = pytest.mark.timeout(240)  # because programs and the build wait for each other on a busy machine
GENERATED = ROOT / "docs" / "reference" / "api"


class Program(NamedTuple):
    name: str
    text: str
    output: str


def programs(page: Path) -> list[Program]:
    found = []
    for number, block in enumerate(BLOCK.finditer(page.read_text(encoding="utf-8"))):
        # What is named as a file in a folder is a part of a project, which other tests put together.
        if not IMPORT.search(block[1]) or re.match(r"# \w+/", block[1]):
            continue
        name = re.match(r"# (\w+\.py)\n", block[1])
        found.append(Program(name[1] if name else f"block{number}.py", block[1], block[2] or ""))
    return found


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


PAGES = [
    page
    for page in [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted(ROOT.glob("docs/**/*.md"))]
    if GENERATED not in page.parents and "_build" not in page.parts
]
WITH_PROGRAMS = [page for page in PAGES if programs(page)]


def shape(line: str) -> str:
    """Return a line without its numbers and addresses, which differ from run to run, and without its alignment."""
    return re.sub(r"0x[0-9a-f]+|\d+", "0", " ".join(line.split()))


def run_all(page: Path, folder: Path) -> list[tuple[Program, str]]:
    """Run the programs of a page one after another, and return what each of them printed."""
    found = programs(page)
    for program in found:
        (folder / program.name).write_text(program.text, encoding="utf-8")
    return [(program, finish(folder / program.name, folder)) for program in found]


def run_calmly(page: Path, folder: Path) -> list[tuple[Program, str]]:
    """Run a page again where its output is another: with pauses of half a second, a busy machine makes runs late."""
    ran = run_all(page, Path(mkdtemp(dir=folder)))
    for _ in range(2):
        if all(shown_by(page, program) <= shapes(output) for program, output in ran):
            break
        ran = run_all(page, Path(mkdtemp(dir=folder)))
    return ran


def shapes(text: str) -> set[str]:
    return {shape(line) for line in text.splitlines()}


def shown_by(page: Path, program: Program) -> set[str]:
    """Return the lines that the page shows as the output of one of its programs."""
    consoles = CONSOLE.findall(page.read_text(encoding="utf-8"))
    again = "".join(text for varies, name, text in consoles if name == program.name and not varies)
    return shapes(program.output + again)


@pytest.fixture(scope="module")
def ran(
    background: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory
) -> dict[Path, Future[list[tuple[Program, str]]]]:
    folder = tmp_path_factory.mktemp("pages")  # here, because the factory is not for several threads
    return {page: background.submit(run_calmly, page, folder) for page in WITH_PROGRAMS}


@pytest.mark.parametrize("page", WITH_PROGRAMS, ids=name_of)
def test_the_programs_of_the_page_run_and_print_what_it_says(
    page: Path, ran: dict[Path, Future[list[tuple[Program, str]]]]
) -> None:
    for program, output in ran[page].result():
        assert shown_by(page, program) <= shapes(output), output


@pytest.mark.parametrize("page", WITH_PROGRAMS, ids=name_of)
def test_what_a_program_of_the_page_prints_is_shown(
    page: Path, ran: dict[Path, Future[list[tuple[Program, str]]]]
) -> None:
    again = {name for _, name, _ in CONSOLE.findall(page.read_text(encoding="utf-8"))}
    for program, output in ran[page].result():
        assert not output or program.output or program.name in again, f"{program.name} prints\n{output}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_fragments_of_the_page_are_python(page: Path) -> None:
    for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
        compile(block[1], page.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_links_of_the_page_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link, anchor in LINK.findall(text):
        there = page.parent / link if link else page
        assert there.exists() or GENERATED in there.resolve().parents, link
        if anchor and there.suffix == ".md":
            assert anchor[1:] in anchors(there), f"{link}{anchor}"
    assert [file for file in INCLUDE.findall(text) if not (page.parent / file).exists()] == []


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and Sphinx make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_the_page_has_one_type_into_a_shell_exists(page: Path) -> None:
    """Extras, targets of make, programs: a page that names one which is not there sends its reader astray."""
    extras = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for block in SHELL.findall(page.read_text(encoding="utf-8")):
        for command in (shlex.split(line, comments=True) for line in block.splitlines()):
            if command[:1] == ["make"]:
                assert set(command[1:]) <= targets, command
            for name in re.findall(r"apscheduler\[([\w,]+)\]", " ".join(command)):
                assert set(name.split(",")) <= extras, command


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_first_program_of_the_readme_fits_on_a_screen(name: str) -> None:
    first = programs(ROOT / name)[0]
    assert 15 <= len(first.text.splitlines()) <= 20
    assert first.output
