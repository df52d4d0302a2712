"""Two releases of a program share a store while one is rolled out: each runs what it has, and no job is given up."""

from __future__ import annotations

import sys
import types

import pytest
from cluster_jobs import nothing

OFTEN = 0.2
OLD = """
def kept(): pass
def retired(): pass
"""
NEW = """
def kept(): pass
def arrived(): pass
"""


@pytest.fixture
def releases(tmp_path, monkeypatch):
    """Return the folders of the old and the new release of a module, which this process knows both of."""
    module = types.ModuleType("rolled_out")
    module.kept = module.retired = module.arrived = nothing
    monkeypatch.setitem(sys.modules, "rolled_out", module)
    folders = tmp_path / "old", tmp_path / "new"
    for folder, code in zip(folders, (OLD, NEW), strict=True):
        folder.mkdir()
        (folder / "rolled_out.py").write_text(code)
    return folders


def begin(cluster, code):
    process = cluster.begin(lease=2.0, code=code)
    cluster.until(lambda: cluster.is_ready(process))
    return process


def add(cluster, *names):
    with cluster.scheduler() as scheduler:
        for name in names:
            scheduler.add_job(f"rolled_out:{name}", "interval", seconds=OFTEN, id=name, coalesce=False)


def pids(cluster, job_id):
    return [line.pid for line in cluster.lines() if line.job_id == job_id]


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_a_job_is_run_by_the_release_that_has_its_function_and_waits_for_it_where_none_is_there(
    cluster, releases
):
    old_code, new_code = releases
    old = begin(cluster, old_code)
    add(cluster, "kept", "retired")
    cluster.until(lambda: pids(cluster, "retired"))
    new = begin(cluster, new_code)
    cluster.until(lambda: len(cluster.nodes()) == 2)
    add(cluster, "arrived")
    cluster.until(lambda: len(pids(cluster, "arrived")) > 10 and pids(cluster, "retired"))
    before = len(pids(cluster, "retired"))
    cluster.until(lambda: len(pids(cluster, "retired")) > before + 5)
    assert set(pids(cluster, "arrived")) == {new.pid}
    assert set(pids(cluster, "retired")) == {old.pid}
    assert "set aside" not in cluster.log(), "one of them can run each job"

    cluster.stop(old)
    cluster.until(lambda: "retired" in cluster.log() and "set aside" in cluster.log())
    assert cluster.store.read_job("retired") is not None, "it is kept, for whoever has its function"
    count = len(pids(cluster, "kept"))
    cluster.until(lambda: len(pids(cluster, "kept")) > count + 5)

    again = begin(cluster, old_code)
    cluster.until(lambda: again.pid in pids(cluster, "retired"))
    cluster.stop(again, new)
    cluster.check_nothing_ran_twice()
    cluster.check_records_agree()
    for job_id in ("kept", "retired", "arrived"):
        cluster.check_no_due_time_is_missing(job_id, OFTEN)
