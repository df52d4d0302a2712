"""What the parts of the job store suite share: nodes, jobs and claims to test with, and races."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, ClassVar, TypeVar

import pytest

from apscheduler._core.claims import SUCCEEDED, Claim, Finish, JobRow, NewRun, RunKey, RunQuery, StoredRun
from apscheduler.job import Job
from apscheduler.jobstores.base import ClaimingJobStore
from apscheduler.triggers.date import DateTrigger

N = TypeVar("N")
T = TypeVar("T")
OpenNodes = Callable[[int], list[ClaimingJobStore]]

NOW = datetime(2031, 5, 6, 7, 8, 9, 123457, tzinfo=UTC).timestamp()
LATER = NOW + 3600.000001
MUCH_LATER = NOW + 86400.25


class StandIn:
    """Stands in for the scheduler where a store is started without one."""

    timezone: tzinfo = UTC


class StoreTests:
    """The base of the parts: opens nodes, and shuts down what was opened."""

    keeps_objects: ClassVar[bool] = False
    survives_shutdown: ClassVar[bool] = True

    @pytest.fixture
    def open_node(self) -> Callable[[], ClaimingJobStore]:
        """Return what opens one more node on the same data; to be overridden."""
        raise NotImplementedError(
            f"{type(self).__name__} needs a fixture `open_node` that returns a factory of stores"
        )

    @pytest.fixture
    def nodes(self, open_node: Callable[[], ClaimingJobStore]) -> Iterator[OpenNodes]:
        """Return what opens and starts any number of nodes."""
        opened: list[ClaimingJobStore] = []

        def open_nodes(count: int) -> list[ClaimingJobStore]:
            new = [open_node() for _ in range(count)]
            for store in new:
                opened.append(store)
                store.start(StandIn(), "default")
            return new

        yield open_nodes
        for store in opened:
            store.shutdown()

    @pytest.fixture
    def store(self, nodes: OpenNodes) -> ClaimingJobStore:
        """Return one started node."""
        return nodes(1)[0]


def do_nothing(*args: Any, **kwargs: Any) -> None:
    """Be the function of a test's job."""


def a_job(job_id: str = "j", at: float | None = NOW, **options: Any) -> Job:
    """Return a new job handle with its next run time at `at`, None for a paused one."""
    time = None if at is None else as_time(at)
    values: dict[str, Any] = {
        "trigger": DateTrigger(as_time(NOW)),
        "func": do_nothing,
        "args": (),
        "kwargs": {},
        "name": job_id,
        "executor": "default",
        "misfire_grace_time": 1,
        "coalesce": True,
        "max_instances": 1,
        "next_run_time": time,
        **options,
    }
    scheduler: Any = StandIn()
    return Job(scheduler, id=job_id, **values)


def as_time(stamp: float) -> datetime:
    """Return the datetime of a stamp, also where the platform's own conversion does not reach."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=round(stamp * 1_000_000))


def row_of(store: ClaimingJobStore, job_id: str = "j", at: float | None = NOW, **options: Any) -> JobRow:
    """Return a row to insert into `store`."""
    return store.new_row(a_job(job_id, at, **options))


def added(store: ClaimingJobStore, job_id: str = "j", at: float | None = NOW, **options: Any) -> JobRow:
    """Insert a job and return the row that was stored."""
    assert not store.insert_jobs([row_of(store, job_id, at, **options)])
    return stored(store, job_id)


def stored(store: ClaimingJobStore, job_id: str = "j") -> JobRow:
    """Return the stored row of a job that exists."""
    row = store.read_job(job_id)
    assert row is not None
    return row


def claim_of(
    row: Any,
    then: float | None = LATER,
    runs: Sequence[NewRun] | None = None,
    attempt: int = 1,
    definition: Any = None,
    rerun: Any = None,
) -> Claim:
    """Return the claim of the run time of `row` (and nothing else), or of `runs`."""
    time = None if then is None else as_time(then)
    return Claim(
        row.job_id,
        row.revision,
        then,
        [NewRun(row.next_run_time)] if runs is None else runs,
        definition,
        attempt,
        time,
        rerun,
    )


def keys_of(claim: Claim) -> list[RunKey]:
    """Return the keys of the run records that a claim writes."""
    return [RunKey(claim.job_id, claim.revision, run.run_time, claim.attempt) for run in claim.runs]


def won(store: ClaimingJobStore, claim: Claim, node: str = "n1") -> list[RunKey]:
    """Have `node` make a claim that it wins; return the keys of its runs."""
    assert list(store.claim(node, [claim])) == [0]
    return keys_of(claim)


def done(key: RunKey, status: str = SUCCEEDED, **values: Any) -> Finish:
    """Return an outcome for a run."""
    return Finish(key, status, **{"started": NOW + 0.5, "finished": NOW + 1.25, **values})


def runs_of(store: ClaimingJobStore, job_id: str | None = "j", **query: Any) -> Sequence[StoredRun]:
    """Return the run records of a job, newest first."""
    return store.read_runs(RunQuery(job_id, **query))


def race(racers: Sequence[N], act: Callable[[N], T]) -> list[T]:
    """Return what `act` returns for each of `racers`, called at the same moment from a thread each."""
    gate = threading.Barrier(len(racers))
    results: dict[int, T] = {}
    errors: list[BaseException] = []

    def run(number: int, racer: N) -> None:
        try:
            gate.wait(10)
            results[number] = act(racer)
        except BaseException as exc:
            errors.append(exc)

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(racers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]
    return [results[number] for number in range(len(racers))]
