"""The documentation builds without a warning, and every public name is in its reference."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from _programs import environment

pytest.importorskip("myst_parser")
pytest.importorskip("furo")

pytestmark = pytest.mark.timeout(240)  # because programs and the build wait for each other on a busy machine
pytest.importorskip("sphinx")

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the pages, built as `make docs` does: warnings are errors."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-E", "-b", "html", "-d",
               str(folder / "doctrees"), str(DOCS), str(folder / "html")]  # fmt: skip
    built = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=200, check=False
    )
    assert built.returncode == 0, built.stderr
    return folder / "html"


def public_names() -> list[tuple[str, str, str]]:
    """Return the module, name and kind of everything public, as the pages of the reference are made from it."""
    spec = importlib.util.spec_from_file_location("_reference", DOCS / "_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["_reference"] = module
    spec.loader.exec_module(module)
    return [(thing.module, thing.name, thing.kind) for thing in module.public()]


def inventory(file: Path) -> list[str]:
    """Return the lines of a Sphinx inventory: four of a header, then the rest, compressed."""
    return zlib.decompress(file.read_bytes().split(b"\n", 4)[4]).decode().splitlines()


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    described = {line.split(" ")[0] for line in inventory(site / "objects.inv")}
    constants = "".join(
        (DOCS / "reference" / page).read_text(encoding="utf-8") for page in ("events.md", "constants.md")
    )
    missing = []
    for module, name, kind in public_names():
        found = f"`{name}`" in constants if kind == "data" else f"{module}.{name}" in described
        if not found:
            missing.append(f"{module}.{name}")
    assert missing == []


def test_methods_of_the_scheduler_and_the_job_are_described_with_their_arguments(site: Path) -> None:
    page = (site / "reference" / "api" / "apscheduler-schedulers.html").read_text(encoding="utf-8")
    for method in ("add_job", "get_runs", "health", "shutdown", "modify_job", "add_listener"):
        assert f'id="apscheduler.schedulers.base.BaseScheduler.{method}"' in page, method
    assert "misfire_grace_time" in page
    jobs = (site / "reference" / "api" / "apscheduler.html").read_text(encoding="utf-8")
    assert 'id="apscheduler.job.Job.reschedule"' in jobs


def test_every_page_can_be_reached_from_the_first(site: Path) -> None:
    pages = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    pages -= {"genindex.html", "search.html", "py-modindex.html"}
    reached, todo = set(), ["index.html"]
    while todo:
        page = todo.pop()
        if page in reached:
            continue
        reached.add(page)
        text = (site / page).read_text(encoding="utf-8")
        for link in re.findall(r'href="([^":#]+\.html)', text):
            there = ((site / page).parent / link).resolve()
            if there.is_file():
                todo.append(there.relative_to(site.resolve()).as_posix())
    assert pages - reached == set()
