"""Subclasses of the job stores of this package that override what 3.x calls."""

from __future__ import annotations

from _scheduler_parts import RAN, Every, note

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.testing.manual import ManualScheduler


class Counting(SQLAlchemyJobStore):
    """What a user of 3.x writes to see what is added, and what is due."""

    def __init__(self, url):
        super().__init__(url)
        self.added, self.asked = [], 0

    def add_job(self, job):
        self.added.append(job.id)
        super().add_job(job)

    def get_due_jobs(self, now):
        self.asked += 1
        return super().get_due_jobs(now)


class Renamed(SQLAlchemyJobStore):
    """Overrides nothing that 3.x calls."""

    def __repr__(self):
        return "<mine>"


def test_a_subclass_of_a_store_that_overrides_methods_of_3x_is_asked_by_them_and_a_warning_says_what_that_costs(
    tmp_path, caplog
):
    RAN.clear()
    store = Counting(f"sqlite:///{tmp_path}/jobs.sqlite")
    scheduler = ManualScheduler(jobstores={"default": store})
    scheduler.start()
    scheduler.add_job(note, Every(10), args=["x"], id="j")
    scheduler.pass_time(10, steps=2)
    scheduler.shutdown()
    assert store.added == ["j"]
    assert store.asked > 0
    assert RAN == ["x", "x"]
    assert [run.status for run in scheduler.get_runs("j")] == ["succeeded", "succeeded"]
    [warning] = [record for record in caplog.records if getattr(record, "event", "") == "store_of_3x"]
    assert "Counting overrides get_due_jobs, add_job" in warning.getMessage()


def test_a_subclass_that_overrides_none_of_them_may_be_shared_as_before(tmp_path, caplog):
    scheduler = ManualScheduler(jobstores={"default": Renamed(f"sqlite:///{tmp_path}/jobs.sqlite")})
    scheduler.start()
    assert len(scheduler.get_nodes()) == 1
    scheduler.shutdown()
    assert "store_of_3x" not in {getattr(record, "event", "") for record in caplog.records}
