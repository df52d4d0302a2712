"""The shape of the code, checked: what is pure, who reads the clock, what importing costs, how long files are."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import apscheduler

ROOT = Path(apscheduler.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
CORE = sorted((ROOT / "_core").glob("*.py"))

# Value modules of the standard library: nothing in them waits, tells the time, or starts something.
PURE = {"__future__", "collections", "collections.abc", "datetime", "difflib", "typing", "functools", "heapq"}
OPTIONAL = {
    "sqlalchemy", "psycopg", "pymysql", "pymongo", "redis", "kazoo", "rethinkdb", "gevent", "tornado", "twisted",
    "PySide6", "PyQt6", "typer", "rich", "django", "pytest", "asyncio", "multiprocessing", "concurrent.futures.process",
}  # fmt: skip
# Longer than 400 lines, for a reason; this list only shrinks.
LONG_FILES: dict[str, int] = {}
LONG_FUNCTIONS = {"add_job", "_make_job", "scheduled_job"}  # a parameter of 3.x for each line


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports_of(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_the_core_imports_values_only(path):
    for module in imports_of(ast.parse(path.read_text())):
        assert module in PURE or module.startswith("apscheduler._core") or module == "apscheduler.errors", (
            module
        )


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_the_core_neither_reads_a_clock_nor_prints_nor_opens(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"now", "utcnow", "today", "fromtimestamp"}, ast.unparse(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"print", "open", "input", "exec", "eval"}


@pytest.mark.parametrize(
    "path", [p for p in FILES if p.name != "_clock.py" and p.parent.name != "testing"], ids=name_of
)
def test_only_the_clock_module_reads_the_clock(path):
    """The contract suites wait for real threads and processes, so they have deadlines in real time."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            written = ast.unparse(node.func)
            assert written not in {
                "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.monotonic",
            }, f"{name_of(path)}:{node.lineno} {written}"  # fmt: skip


@pytest.mark.parametrize("path", sorted((ROOT / "jobstores").glob("*.py")), ids=name_of)
def test_a_store_does_not_decide(path):
    modules = set(imports_of(ast.parse(path.read_text())))
    assert not modules & {"apscheduler._core.decide", "apscheduler._core.firing", "apscheduler._core.limits"}
    assert not any(module.startswith("apscheduler.schedulers") for module in modules)


def test_the_parts_meet_in_one_turn():
    """Claims are decided in one place only."""
    deciding = [
        name_of(p) for p in FILES if "apscheduler._core.decide" in set(imports_of(ast.parse(p.read_text())))
    ]
    assert deciding == ["schedulers/_turn.py"]


@pytest.mark.parametrize("name", ["blocking", "background", "asyncio", "gevent", "tornado", "twisted", "qt"])
def test_a_driver_is_short(name):
    """It says how to sleep and be woken; counted are the lines that are code."""
    tree = ast.parse((ROOT / "schedulers" / f"{name}.py").read_text())
    lines = {
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt)
        and not isinstance(node, (ast.Import, ast.ImportFrom))
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    }
    assert len(lines) <= 50


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_holds_one_idea(path):
    lines = len(path.read_text().splitlines())
    assert lines <= LONG_FILES.get(name_of(path), 400)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_function_fits_on_a_screen(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name not in LONG_FUNCTIONS:
            docstring = ast.get_docstring(node, clean=False) or ""
            length = node.end_lineno - node.lineno + 1 - len(docstring.splitlines())
            assert length <= 60, f"{name_of(path)}: {node.name} has {length} lines"


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_else():
    modules = loaded_by("import apscheduler")
    assert {m for m in modules if m.partition(".")[0] == "apscheduler"} == {"apscheduler"}


def test_a_scheduler_loads_no_optional_package():
    modules = loaded_by("import apscheduler.schedulers.background")
    assert not modules & OPTIONAL


def test_a_scheduler_loads_fewer_modules_than_that_of_3x():
    """Counted, because time on a busy machine fails for no reason; `python -X importtime` tells the rest."""
    oracle = os.environ.get("APSCHEDULER_ORACLE_PYTHON")
    ours = len(loaded_by("import apscheduler.schedulers.background"))
    theirs = 236  # of 3.11.3, counted in the same way with Python 3.11
    if oracle:
        code = "import sys; import apscheduler.schedulers.background; print(len(sys.modules))"
        done = subprocess.run([oracle, "-c", code], capture_output=True, text=True, check=True, timeout=60)
        theirs = int(done.stdout)
    assert ours < theirs


def public_modules() -> list[str]:
    found = [m.name for m in pkgutil.walk_packages([str(ROOT)], "apscheduler.")]
    return [name for name in found if not any(part.startswith("_") for part in name.split("."))]


@pytest.mark.parametrize("name", public_modules())
def test_what_a_module_offers_exists_and_is_documented(name):
    module = importlib.import_module(name)
    assert module.__doc__
    for public in getattr(module, "__all__", ()):
        value = getattr(module, public)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), f"{name}.{public} has no docstring"
