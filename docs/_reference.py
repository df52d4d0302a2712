"""Write the pages of the reference: one for each package, with everything that its modules offer.

What a module offers is its `__all__`, or what it defines without an underscore. A new module gets its place by itself.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import apscheduler
from apscheduler.schedulers.base import BaseScheduler

TITLES = {
    "apscheduler.schedulers": "Schedulers",
    "apscheduler.triggers": "Triggers",
    "apscheduler.jobstores": "Job stores",
    "apscheduler.executors": "Executors",
    "apscheduler": "Jobs, runs, events, errors",
    "apscheduler.testing": "Testing",
}
BASES = (
    "Every scheduler has all methods of {py:class}`~apscheduler.schedulers.base.BaseScheduler`; the others add only how"
    " they are started and what they run in.\n"
)
INTRODUCTIONS = {"apscheduler.schedulers": BASES}
ELSEWHERE = ("apscheduler.cli",)
"""The command line has a page of its own, which is made from its help texts."""


class Public(NamedTuple):
    """Something that a module offers, in the module where it is defined."""

    module: str
    name: str
    value: Any

    @property
    def kind(self) -> str:
        if inspect.isclass(self.value):
            return "exception" if issubclass(self.value, BaseException) else "class"
        return "function" if inspect.isroutine(self.value) else "data"


def modules() -> Iterator[ModuleType]:
    """Return the public modules, in the order of their names; a missing optional package is an error."""
    found = [info.name for info in pkgutil.walk_packages(apscheduler.__path__, "apscheduler.")]
    for name in found:
        if not name.startswith(ELSEWHERE) and not any(part.startswith("_") for part in name.split(".")):
            yield importlib.import_module(name)


def offered(module: ModuleType) -> list[str]:
    names = getattr(module, "__all__", None)
    if names is not None:
        return list(names)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isroutine(value))
        and value.__module__ == module.__name__
    ]


def public() -> list[Public]:
    """Return everything that is offered, each once: where it is defined, or where it is offered first."""
    found: dict[tuple[str, str], Public] = {}
    for module in modules():
        for name in offered(module):
            value = getattr(module, name)
            home = getattr(value, "__module__", None) or module.__name__
            if not isinstance(home, str) or any(part.startswith("_") for part in home.split(".")):
                home = module.__name__
            if name.startswith("EVENT_"):
                home = "apscheduler.events"
            elif not (inspect.isclass(value) or inspect.isroutine(value)):
                home = module.__name__
                if any(known.name == name and known.value is value for known in found.values()):
                    continue
            if (
                home.partition(".")[0] == "apscheduler"
            ):  # else it is another package's, under a name that 3.x has
                found.setdefault((home, name), Public(home, name, value))
    return list(found.values())


def write(folder: Path) -> None:
    """Write a page for each package into `folder`; pages that are as they should be are not touched."""
    folder.mkdir(parents=True, exist_ok=True)
    things = public()
    for package, title in TITLES.items():
        page = [f"# {title}\n", INTRODUCTIONS.get(package, "")]
        for module in modules():
            mine = [thing for thing in things if thing.module == module.__name__ and thing.kind != "data"]
            if _package_of(module.__name__) != package or not mine:
                continue
            page += [f"## {module.__name__}\n", f"{_one_line(module)}\n", "```{eval-rst}"]
            page += [f".. py:module:: {module.__name__}\n"]
            for thing in mine:
                page += [f".. auto{thing.kind}:: {thing.module}.{thing.name}"]
                if thing.kind != "function":
                    page += [f"   :members:{_members(thing.value)}\n   :show-inheritance:\n"]
            page += ["```\n"]
        file, text = folder / f"{package.replace('.', '-')}.md", "\n".join(page)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def _members(cls: type) -> str:
    """Return the list of methods to show; nothing for all that the class itself defines.

    Much of a scheduler is defined in private bases. What is that of every scheduler is shown once, at `BaseScheduler`.
    """
    if not issubclass(cls, BaseScheduler):
        return ""
    if cls is BaseScheduler:
        return "\n   :inherited-members: object"
    common = set(BaseScheduler.__mro__)
    names = [
        name
        for base in cls.__mro__
        if base not in common
        for name, value in vars(base).items()
        if not name.startswith("_") and (callable(value) or isinstance(value, property))
    ]
    return " " + ", ".join(dict.fromkeys(names))


def _package_of(module: str) -> str:
    found = [package for package in TITLES if module == package or module.startswith(f"{package}.")]
    return max(found, key=len)


def _one_line(module: ModuleType) -> str:
    return (module.__doc__ or "").strip().partition("\n")[0]
