"""Parts by name."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from apscheduler import _plugins
from apscheduler._plugins import plugin_class
from apscheduler.executors.base import BaseExecutor
from apscheduler.jobstores.base import BaseJobStore
from apscheduler.triggers.base import BaseTrigger

BASES = {"trigger": BaseTrigger, "executor": BaseExecutor, "jobstore": BaseJobStore}
NAMES = [(kind, name) for kind, names in _plugins._BUILT_IN.items() for name in names]


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    monkeypatch.setattr(_plugins, "_found", {})


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_every_part_of_ours_is_found_by_its_name(kind, name):
    pytest.importorskip("sqlalchemy") if name == "sqlalchemy" else None
    assert issubclass(plugin_class(kind, name), BASES[kind])


def test_our_names_are_those_that_the_distribution_registers():
    tomllib = pytest.importorskip("tomllib")
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    groups = project["project"]["entry-points"]
    assert {kind: groups[f"apscheduler.{kind}s"] for kind in _plugins._BUILT_IN} == _plugins._BUILT_IN


@pytest.mark.parametrize(
    ("kind", "name", "near"),
    [
        ("trigger", "crom", "cron"),
        ("executor", "threads", "threadpool"),
        ("jobstore", "sqlalchmy", "sqlalchemy"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(kind, name, near):
    with pytest.raises(LookupError, match=f'No {kind} by the name "{name}" was found .*{near}'):
        plugin_class(kind, name)


def test_a_name_like_no_other_is_refused_with_all_that_are_known():
    with pytest.raises(LookupError, match="known are and, calendarinterval, cron, date, interval, or"):
        plugin_class("trigger", "zzzzzz")


def test_a_part_of_another_package_is_loaded_once(monkeypatch):
    looks = []

    def entry_points(group):
        looks.append(group)
        return [EntryPoint("lunar", "job_parts:Lunar", group)]

    import job_parts

    monkeypatch.setattr(job_parts, "Lunar", type("Lunar", (BaseTrigger,), {}), raising=False)
    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
    assert plugin_class("trigger", "lunar") is plugin_class("trigger", "lunar") is job_parts.Lunar
    assert looks == ["apscheduler.triggers"]


@pytest.mark.parametrize("wrong", ["plain", "Thing"])
def test_what_another_package_registers_by_mistake_is_refused(monkeypatch, wrong):
    monkeypatch.setattr(
        "importlib.metadata.entry_points", lambda group: [EntryPoint("lunar", f"job_parts:{wrong}", group)]
    )
    with pytest.raises(TypeError, match=f"trigger plugin 'lunar' .job_parts:{wrong}. is not a BaseTrigger"):
        plugin_class("trigger", "lunar")


def test_installed_packages_are_not_searched_for_names_of_ours():
    program = (
        "import sys\n"
        "from apscheduler.schedulers.background import BackgroundScheduler\n"
        "s = BackgroundScheduler(executors={'default': {'type': 'threadpool'}}, jobstores={'default': {'type': 'memory'}})\n"
        "s.add_job(print, 'interval', hours=1)\n"
        "assert 'importlib.metadata' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
