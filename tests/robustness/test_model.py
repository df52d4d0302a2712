"""Random sequences of calls, on memory and on SQLite, and on two schedulers of one store, against a model."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from _fault_parts import LONG
from _model import Model
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.testing.clock import FakeClock
from apscheduler.testing.manual import ManualScheduler

START = datetime(2030, 1, 1, tzinfo=UTC)
STEPS = st.integers(1, 60)
VALUES = st.integers(0, 9)
WHICH = st.integers(0, 20)
RAN: list[tuple[int, int]] = []
CLOCK = FakeClock(START)


def note(value: int) -> None:
    RAN.append((seconds(CLOCK.now()), value))


def seconds(time: datetime) -> int:
    return round((time - START).total_seconds())


class Machine(RuleBasedStateMachine):
    """Makes each call on the model and on one of the schedulers."""

    nodes = 1

    def new_store(self) -> Any:
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        RAN.clear()
        CLOCK.__init__(START)
        self.model = Model()
        self.count = self.turns = 0
        first = self.new_store()
        stores = [first, *(SQLAlchemyJobStore(engine=first.engine) for _ in range(1, self.nodes))]
        self.schedulers = [
            ManualScheduler(
                jobstores={"default": store},
                clock=CLOCK,
                lease=LONG,
                run_log={"max_age": None, "per_job": None},
            )
            for store in stores
        ]
        for scheduler in self.schedulers:
            scheduler.start()
        for scheduler in self.schedulers:
            if scheduler._heartbeat is not None:
                scheduler._heartbeat.beat(scheduler._engine.registry.store("default"))

    def teardown(self) -> None:
        for scheduler in self.schedulers:
            scheduler.shutdown()
        self.schedulers[0]._engine.registry.store("default").given.shutdown()

    @property
    def scheduler(self) -> ManualScheduler:
        """One of them, in turn."""
        self.turns += 1
        return self.schedulers[self.turns % len(self.schedulers)]

    def job(self, which: int) -> str:
        ids = sorted(self.model.jobs)
        return ids[which % len(ids)]

    # -- calls ----------------------------------------------------------------------------------------------------

    @rule(
        step=STEPS,
        value=VALUES,
        coalesce=st.booleans(),
        grace=st.sampled_from([None, 1, 10]),
        once=st.booleans(),
    )
    def add(self, step, value, coalesce, grace, once):
        self.count += 1
        job_id = f"{self.count:03}"
        self.model.add(job_id, step, value, coalesce, grace, once)
        due = CLOCK.now() + timedelta(seconds=step)
        trigger = {"trigger": "date", "run_date": due} if once else {"trigger": "interval", "seconds": step}
        self.scheduler.add_job(
            note, id=job_id, args=[value], coalesce=coalesce, misfire_grace_time=grace, **trigger
        )

    @precondition(lambda self: self.model.jobs)
    @rule(which=WHICH, value=VALUES)
    def modify(self, which, value):
        job_id = self.job(which)
        self.model.modify(job_id, value)
        self.scheduler.modify_job(job_id, args=[value])

    @precondition(lambda self: self.model.jobs)
    @rule(which=WHICH)
    def pause(self, which):
        job_id = self.job(which)
        self.model.pause(job_id)
        self.scheduler.pause_job(job_id)

    @precondition(lambda self: self.model.jobs)
    @rule(which=WHICH)
    def resume(self, which):
        job_id = self.job(which)
        self.model.resume(job_id)
        self.scheduler.resume_job(job_id)

    @precondition(lambda self: self.model.jobs)
    @rule(which=WHICH)
    def remove(self, which):
        job_id = self.job(which)
        self.model.remove(job_id)
        self.scheduler.remove_job(job_id)

    @precondition(lambda self: self.model.jobs)
    @rule(which=WHICH, step=STEPS)
    def reschedule(self, which, step):
        job_id = self.job(which)
        self.model.reschedule(job_id, step)
        self.scheduler.reschedule_job(job_id, trigger="interval", seconds=step)

    @precondition(lambda self: any(job.step for job in self.model.jobs.values()))
    @rule(which=WHICH, step=STEPS)
    def change_step(self, which, step):
        ids = sorted(job_id for job_id, job in self.model.jobs.items() if job.step)
        job_id = ids[which % len(ids)]
        self.model.change_step(job_id, step)
        self.scheduler.modify_job(job_id, seconds=step)

    @rule(by=st.one_of(st.integers(1, 20), st.integers(100, 300)))
    def wait(self, by):
        self.model.now += by
        CLOCK.advance(seconds=by)

    @rule(by=st.integers(1, 60))
    def wait_and_turn(self, by):
        self.wait(by)
        self.turn()

    @rule()
    def turn(self):
        self.model.turn()
        for scheduler in [self.scheduler, *self.schedulers]:
            # That others have changed something is noticed within a second; here the second has passed.
            scheduler._engine.registry.store("default").dirty = True
            scheduler.turn()

    # -- what must agree ------------------------------------------------------------------------------------------

    @invariant()
    def the_jobs_and_their_next_run_times_agree(self):
        known = {
            job.id: (None if job.next_run_time is None else seconds(job.next_run_time), job.args[0])
            for job in self.scheduler.get_jobs()
        }
        assert known == {job_id: (job.due, job.value) for job_id, job in self.model.jobs.items()}

    @invariant()
    def what_has_run_agrees(self):
        assert sorted(RAN) == sorted(self.model.ran)

    @invariant()
    def the_records_agree(self):
        found = [
            (run.job_id, seconds(run.run_time), run.status) for run in self.scheduler.get_runs(limit=None)
        ]
        assert sorted(found) == sorted(self.model.records)


class OnMemory(Machine):
    def new_store(self) -> Any:
        return MemoryJobStore()


class OnSqlite(Machine):
    def new_store(self) -> Any:
        return SQLAlchemyJobStore("sqlite://")


class OnSqliteShared(OnSqlite):
    nodes = 2


@pytest.mark.parametrize(("machine", "examples"), [(OnMemory, 60), (OnSqlite, 25), (OnSqliteShared, 20)])
def test_any_sequence_of_calls_does_what_the_model_does(machine, examples, caplog):
    caplog.set_level(logging.CRITICAL)  # because a line for each missed run of each example takes long
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            database=None,
            print_blob=True,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
