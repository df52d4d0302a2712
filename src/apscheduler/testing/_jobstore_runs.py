"""What a job store promises about the run log: which records a query returns, and what pruning removes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from apscheduler._core.claims import FAILED, RUNNING, SET_ASIDE, SUCCEEDED, Claim, NewRun, RunQuery
from apscheduler.testing._jobstore_tools import (
    LATER,
    NOW,
    OpenNodes,
    StoreTests,
    added,
    claim_of,
    done,
    runs_of,
    stored,
    won,
)

if TYPE_CHECKING:
    from apscheduler.jobstores.base import ClaimingJobStore


class RunsContract(StoreTests):
    """The run log."""

    def test_runs_come_newest_run_time_first_and_those_recorded_last_before_their_ties(
        self, store: ClaimingJobStore
    ) -> None:
        _finished(store, "a", NOW + 1, NOW + 3)
        _finished(store, "b", NOW + 2, NOW + 3)
        found = store.read_runs(RunQuery())
        assert [(run.run_time, run.job_id) for run in found] == [
            (NOW + 3, "b"),
            (NOW + 3, "a"),
            (NOW + 2, "b"),
            (NOW + 1, "a"),
        ]
        assert found[0].id > found[1].id

    def test_the_id_of_a_record_is_not_used_again(self, store: ClaimingJobStore) -> None:
        keys = won(store, claim_of(added(store)))
        (first,) = runs_of(store)
        store.finish([done(key) for key in keys], keep=False)
        won(store, claim_of(stored(store)))
        (second,) = runs_of(store)
        assert second.id > first.id

    def test_a_query_may_name_a_job_statuses_and_a_span_of_time(self, nodes: OpenNodes) -> None:
        store, reader = nodes(2)
        _finished(store, "a", *(NOW + n for n in range(5)))
        _finished(store, "b", *(NOW + n for n in range(5)), status=FAILED)
        won(store, claim_of(stored(store, "a"), runs=[NewRun(NOW + 5)]))

        def found(**query: object) -> list[tuple[str, float]]:
            return [(r.job_id, r.run_time - NOW) for r in reader.read_runs(RunQuery(**query))]  # type: ignore[arg-type]

        assert found(job_id="b", since=NOW + 1, until=NOW + 3) == [("b", 2.0), ("b", 1.0)]
        assert found(statuses=[FAILED], until=NOW + 1) == [("b", 0.0)]
        assert found(statuses=[RUNNING]) == [("a", 5.0)]
        assert found(statuses=[RUNNING, FAILED], since=NOW + 4) == [("a", 5.0), ("b", 4.0)]
        assert found(statuses=[]) == []
        assert found(job_id="nobody") == []

    def test_a_query_has_a_limit_of_a_hundred_or_its_own_or_none(self, store: ClaimingJobStore) -> None:
        _finished(store, "j", *(NOW + n for n in range(103)))
        assert len(store.read_runs(RunQuery())) == 100
        assert [run.run_time for run in runs_of(store, limit=2)] == [NOW + 102, NOW + 101]
        assert len(runs_of(store, limit=None)) == 103

    # -- pruning ---------------------------------------------------------------------------------------------

    def test_runs_are_recorded_without_touching_their_job(self, store: ClaimingJobStore) -> None:
        row = added(store)
        aside = Claim(row.job_id, row.revision, None, [NewRun(NOW, SET_ASIDE, "no such module")], attempt=0)
        store.record_runs("n1", [aside])
        assert store.read_job(row.job_id) == row
        [run] = store.read_runs(RunQuery())
        assert (run.status, run.reason, run.run_time, run.node) == (SET_ASIDE, "no such module", NOW, "n1")
        assert run.finished is not None
        assert store.read_due(NOW, 10).rows[0].live == 0

    def test_a_run_that_is_recorded_already_is_left_as_it_is(self, nodes: OpenNodes) -> None:
        one, other = nodes(2)
        row = added(one)
        for store, node, reason in ((one, "n1", "first"), (other, "n2", "second")):
            runs = [NewRun(NOW, SET_ASIDE, reason), NewRun(NOW + 1, SET_ASIDE, reason)]
            store.record_runs(node, [Claim(row.job_id, row.revision, None, runs[:1], attempt=0)])
            store.record_runs(node, [Claim(row.job_id, row.revision, None, runs, attempt=0)])
        assert {run.reason for run in one.read_runs(RunQuery())} == {"first"}
        assert len(one.read_runs(RunQuery())) == 2

    def test_pruning_by_age_removes_what_is_earlier(self, nodes: OpenNodes) -> None:
        store, other = nodes(2)
        _finished(store, "a", *(NOW + n for n in range(4)))
        _finished(store, "b", NOW - 1, NOW + 2)
        assert other.prune_runs(NOW + 2, None) == 3
        assert [run.run_time - NOW for run in store.read_runs(RunQuery())] == [3.0, 2.0, 2.0]

    def test_pruning_by_count_keeps_the_newest_of_each_job(self, nodes: OpenNodes) -> None:
        store, other = nodes(2)
        _finished(store, "a", *(NOW + n for n in (3, 1, 4, 2, 0)))
        _finished(store, "b", NOW)
        assert other.prune_runs(None, 2) == 3
        assert [run.run_time - NOW for run in runs_of(store, "a")] == [4.0, 3.0]
        assert len(runs_of(store, "b")) == 1

    def test_pruning_by_both_removes_what_either_would(self, store: ClaimingJobStore) -> None:
        _finished(store, "a", *(NOW + n for n in range(4)))
        _finished(store, "b", *(NOW + n for n in range(4)))
        _finished(store, "c", NOW)
        assert store.prune_runs(NOW + 1, 2) == 5
        assert len(store.read_runs(RunQuery())) == 4

    def test_pruning_by_neither_removes_nothing(self, store: ClaimingJobStore) -> None:
        _finished(store, "a", NOW, NOW + 1)
        assert store.prune_runs(None, None) == 0
        assert len(runs_of(store, "a")) == 2

    @pytest.mark.parametrize(("before", "per_job"), [(LATER * 2, None), (None, 2), (LATER * 2, 2)])
    def test_pruning_never_removes_a_running_record(
        self, store: ClaimingJobStore, before: float | None, per_job: int | None
    ) -> None:
        won(store, claim_of(added(store), runs=[NewRun(NOW - 9)]))
        _finished(store, "j", NOW, NOW + 1, NOW + 2)
        store.prune_runs(before, per_job)
        assert [run.run_time for run in runs_of(store, statuses=[RUNNING])] == [NOW - 9]
        assert len(runs_of(store, statuses=[SUCCEEDED])) == (0 if before else 2)

    def test_pruning_to_none_removes_all_that_is_finished(self, store: ClaimingJobStore) -> None:
        _finished(store, "a", NOW, NOW + 1)
        won(store, claim_of(stored(store, "a"), runs=[NewRun(NOW + 2)]))
        assert store.prune_runs(None, 0) == 2
        assert [run.status for run in runs_of(store, "a")] == [RUNNING]

    def test_pruning_leaves_the_jobs_alone(self, store: ClaimingJobStore) -> None:
        _finished(store, "a", NOW)
        before = stored(store, "a")
        store.prune_runs(LATER, 0)
        assert stored(store, "a") == before


def _finished(store: ClaimingJobStore, job_id: str, *times: float, status: str = SUCCEEDED) -> None:
    """Have a job run at `times`, and finish."""
    if store.read_job(job_id) is None:
        added(store, job_id)
    keys = won(store, claim_of(stored(store, job_id), runs=[NewRun(time) for time in times]))
    store.finish([done(key, status) for key in keys])
