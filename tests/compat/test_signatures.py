"""Everything in the interface of 3.11.3 can be called as it could be there.

Parameters that 3.x does not have may stand at the end, if they need not be given. `*args` and `**kwargs` that 3.x only
passes on may have been replaced by what they stand for.
"""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module
from inspect import Parameter
from pathlib import Path
from typing import Any

import pytest

from apscheduler.util import undefined

_KINDS = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


def lines() -> list[tuple[str, str]]:
    found, module = [], ""
    for line in Path(__file__).with_name("interface.txt").read_text().splitlines():
        if line and not line.startswith(("#", " ")):
            module = line
        elif line.startswith(" "):
            found.append((module, line.strip()))
    return found


ALL = lines()
CALLS = [(module, line) for module, line in ALL if "(" in line and " = " not in line.partition("(")[0]]
BASES = [(module, line) for module, line in ALL if " < " in line]
VALUES = [(module, line) for module, line in ALL if re.match(r"[\w.]+ = ", line)]

# Values of 3.x that are objects of its own, or that differ with a reason.
OTHER_DEFAULTS = {
    # The newest protocol is what 3.11.3 writes under the Python that it was looked at with.
    "pickle_protocol",
}


def find(module: str, name: str) -> Any:
    value: Any = import_module(module)
    for part in name.split("."):
        value = inspect.getattr_static(value, part) if inspect.isclass(value) else getattr(value, part)
    return value


def parameters_of_3x(arguments: str) -> list[tuple[str, Any, Any]]:
    """Return name, kind and default of each parameter, as written in `interface.txt`."""
    function = ast.parse(f"def f({arguments}): ...").body[0]
    assert isinstance(function, ast.FunctionDef)
    args = function.args
    positional = [*args.posonlyargs, *args.args]
    none = len(positional) - len(args.defaults)
    found = []
    for index, argument in enumerate(positional):
        found.append(
            (
                argument.arg,
                Parameter.POSITIONAL_OR_KEYWORD,
                args.defaults[index - none] if index >= none else None,
            )
        )
    if args.vararg:
        found.append((args.vararg.arg, Parameter.VAR_POSITIONAL, None))
    for argument, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        found.append((argument.arg, Parameter.KEYWORD_ONLY, default))
    if args.kwarg:
        found.append((args.kwarg.arg, Parameter.VAR_KEYWORD, None))
    return found


def default_of_3x(node: ast.expr | None) -> Any:
    if node is None:
        return Parameter.empty
    if isinstance(node, ast.Name):
        assert node.id == "undefined"
        return undefined
    return ast.literal_eval(node)


@pytest.mark.parametrize(("module", "line"), CALLS, ids=lambda value: value)
def test_what_could_be_called_can_be_called_the_same_way(module, line):
    name, _, arguments = line.partition("(")
    value = find(module, name)
    if isinstance(value, classmethod | staticmethod):
        value = value.__get__(None, find(module, name.rpartition(".")[0]))
    ours = list(inspect.signature(value).parameters.values())
    theirs = parameters_of_3x(arguments.removesuffix(")"))
    passes_on = any(kind is Parameter.VAR_POSITIONAL for _, kind, _ in theirs)
    named = [p for p in theirs if p[1] not in _KINDS]
    for place, (parameter, kind, default) in enumerate(named):
        assert place < len(ours), f"{parameter} is missing"
        own = ours[place]
        assert own.name == parameter or own.kind is Parameter.POSITIONAL_ONLY, (
            f"{own.name} in the place of {parameter}"
        )
        assert own.kind in (kind, Parameter.POSITIONAL_OR_KEYWORD, Parameter.POSITIONAL_ONLY)
        if parameter not in OTHER_DEFAULTS:
            assert own.default == default_of_3x(default), f"{parameter} has another default"
    for own in ours[len(named) :]:
        assert own.kind in _KINDS or own.default is not Parameter.empty, f"{own.name} has to be given"
    if any(kind is Parameter.VAR_KEYWORD for _, kind, _ in theirs) and not passes_on:
        assert any(own.kind is Parameter.VAR_KEYWORD for own in ours), "takes no further keyword arguments"


@pytest.mark.parametrize(("module", "line"), BASES, ids=lambda value: value)
def test_classes_are_subclasses_of_what_they_were(module, line):
    name, _, base = line.partition(" < ")
    value = find(module, name)
    assert inspect.isclass(value)
    assert base in {parent.__name__ for parent in value.__mro__}


@pytest.mark.parametrize(("module", "line"), VALUES, ids=lambda value: value)
def test_constants_have_their_values(module, line):
    name, _, value = line.partition(" = ")
    assert find(module, name) == ast.literal_eval(value)


def test_the_interface_is_checked_as_a_whole():
    modules = {module for module, _ in ALL}
    assert len(modules) == 36
    assert len(CALLS) > 150
