"""Nobody reaches for what another module keeps to itself.

The list of exceptions is to shrink; each says why it is there.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import apscheduler

ROOT = Path(apscheduler.__file__).parent
FILES = sorted(
    path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py") if path.parent.name != "testing"
)
OF_THE_LANGUAGE = {"_replace", "_asdict", "_fields"}
EXCEPTIONS = {
    "cli/_target.py": {"_jobstores", "_executors"},  # there is no public name for them, in 3.x neither
    "cli/check.py": {"_made"},  # makes a job as a scheduler would store it
    "executors/_legacy.py": {"_jobstore_alias"},  # the extension point of 3.x
    "jobstores/_codec.py": {"_scheduler", "_jobstore_alias", "_copy"},  # what stores of 3.x set on a job
    "jobstores/_unreadable.py": {"_scheduler", "_jobstore_alias"},  # as above
    "jobstores/base.py": {"_jobstore_alias"},  # as above
    "jobstores/memory.py": {
        "_assign"
    },  # the job in the store is the program's handle, and stays the same object
    "schedulers/_interrupted.py": {"_getframe"},  # of sys, to see what a signal has interrupted
    "schedulers/_job_adding.py": {"_scheduler", "_jobstore_alias", "_assign", "_made", "_modify"},
    "schedulers/_job_calls.py": {"_copy", "_modify"},  # what a job offers to its scheduler only
    "schedulers/_job_pages.py": {"_jobstore_alias"},  # the store that a job is in, which has no public name
    "schedulers/_reruns.py": {"_copy"},  # as above
    "triggers/cron/__init__.py": {"_getframe"},  # of sys, to point a warning at the caller's line
}


def own_names(tree: ast.AST) -> set[str]:
    """Return the names that a file itself defines, uses as variables, sets on `self`, or lists in `__slots__`."""
    own = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.Name):
            own.add(node.id)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("self", "cls"):
            own.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            own.add(node.value)
    return own


def reached_for(name: str) -> set[str]:
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    own, found = own_names(tree) | OF_THE_LANGUAGE, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.endswith("__"):
            owner = ast.unparse(node.value)
            if owner not in ("self", "cls") and not owner.startswith("super(") and node.attr not in own:
                found.add(node.attr)
    return found


@pytest.mark.parametrize("name", FILES)
def test_nobody_reaches_into_another_module(name):
    assert reached_for(name) <= EXCEPTIONS.get(name, set())


def test_the_exceptions_are_only_those_that_are_needed():
    for name, attributes in EXCEPTIONS.items():
        assert attributes <= reached_for(name), f"{name} does not reach for all of {attributes} any more"
