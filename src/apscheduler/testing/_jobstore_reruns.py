"""What a job store promises about runs that a crash cut off: one node repeats each of them, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from apscheduler._core.claims import INTERRUPTED, MISSED, RUNNING, SUCCEEDED, NewRun, RunKey
from apscheduler.testing._jobstore_tools import (
    LATER,
    NOW,
    OpenNodes,
    StoreTests,
    added,
    claim_of,
    done,
    race,
    row_of,
    runs_of,
    stored,
    won,
)

if TYPE_CHECKING:
    from apscheduler.jobstores.base import ClaimingJobStore


def cut_off(
    store: ClaimingJobStore, job_id: str = "j", then: float | None = LATER, at: float = NOW, **options: Any
) -> RunKey:
    """Have node "n1" claim a job that wants to be repeated, and take it over; return the key of its run."""
    row = added(store, job_id, at)
    (key,) = won(store, claim_of(row, then=then, rerun=row.definition, **options), "n1")
    store.take_over("n1", LATER, "node n1 died")
    return key


class RerunsContract(StoreTests):
    """Repetitions of runs that were cut off."""

    def test_a_run_that_was_taken_over_can_be_repeated_with_what_it_was_claimed_with(
        self, nodes: OpenNodes
    ) -> None:
        first, second = nodes(2)
        key = cut_off(first)
        (rerun,) = second.read_reruns(10)
        assert rerun == (key, stored(second).definition, stored(second).revision, 0)

    def test_a_run_that_does_not_ask_for_it_is_not_repeated(self, store: ClaimingJobStore) -> None:
        won(store, claim_of(added(store)), "n1")
        store.take_over("n1", LATER, "node n1 died")
        assert list(store.read_reruns(10)) == []

    def test_a_run_in_flight_is_not_repeated(self, store: ClaimingJobStore) -> None:
        row = added(store)
        won(store, claim_of(row, rerun=row.definition), "n1")
        assert list(store.read_reruns(10)) == []

    @pytest.mark.parametrize(("status", "repeated"), [(SUCCEEDED, 0), (MISSED, 0), (INTERRUPTED, 1)])
    def test_of_runs_that_have_ended_only_those_that_were_cut_off_are_repeated(
        self, store: ClaimingJobStore, status: str, repeated: int
    ) -> None:
        row = added(store)
        keys = won(store, claim_of(row, rerun=row.definition), "n1")
        store.finish([done(keys[0], status)])
        store.take_over("n1", LATER, "node n1 died")
        assert len(store.read_reruns(10)) == repeated

    def test_the_oldest_are_read_first_and_not_more_than_asked_for(self, store: ClaimingJobStore) -> None:
        for n, at in enumerate((NOW - 1, NOW - 3, NOW - 2)):
            cut_off(store, f"j{n}", at=at)
        assert [rerun.key.job_id for rerun in store.read_reruns(2)] == ["j1", "j2"]

    def test_a_repetition_is_a_new_attempt_at_the_same_run_time(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        key = cut_off(first)
        before = stored(first)
        assert list(second.claim_reruns("n2", second.read_reruns(10))) == [0]
        new, old = runs_of(first)
        assert (old[1:5], old.status, old.node) == (key, INTERRUPTED, "n1")
        assert (new[1:5], new.status, new.node) == (key._replace(attempt=2), RUNNING, "n2")
        assert list(first.read_reruns(10)) == []
        after = stored(first)
        assert (after.next_run_time, after.revision) == (before.next_run_time, before.revision + 1)

    def test_a_repetition_ends_like_any_run(self, store: ClaimingJobStore) -> None:
        key = cut_off(store)
        store.claim_reruns("n2", store.read_reruns(10))
        store.finish([done(key._replace(attempt=2))])
        assert [run.status for run in runs_of(store)] == [SUCCEEDED, INTERRUPTED]

    def test_a_repetition_that_is_cut_off_is_not_repeated_again(self, store: ClaimingJobStore) -> None:
        cut_off(store)
        store.claim_reruns("n2", store.read_reruns(10))
        assert len(store.take_over("n2", LATER, "node n2 died")) == 1
        assert list(store.read_reruns(10)) == []
        assert [run.status for run in runs_of(store)] == [INTERRUPTED, INTERRUPTED]

    def test_a_repetition_counts_as_live(self, store: ClaimingJobStore) -> None:
        cut_off(store, then=NOW)
        store.claim_reruns("n2", store.read_reruns(10))
        (due,) = store.read_due(NOW, 10).rows
        assert due.live == 1

    def test_live_claims_of_the_job_are_told(self, store: ClaimingJobStore) -> None:
        cut_off(store)
        won(store, claim_of(stored(store)), "n2")
        assert [rerun.live for rerun in store.read_reruns(10)] == [1]

    def test_the_run_of_a_job_that_fired_for_the_last_time_is_repeated(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        cut_off(first, then=None)
        (rerun,) = second.read_reruns(10)
        assert rerun.revision is None
        assert list(second.claim_reruns("n2", [rerun])) == [0]
        assert [run.status for run in runs_of(first)] == [RUNNING, INTERRUPTED]
        assert first.read_job("j") is None

    def test_all_runs_of_one_claim_are_repeated_one_after_the_other(self, store: ClaimingJobStore) -> None:
        row = added(store)
        runs = [NewRun(NOW - 1), NewRun(NOW)]
        won(store, claim_of(row, runs=runs, rerun=row.definition), "n1")
        store.take_over("n1", LATER, "node n1 died")
        reruns = store.read_reruns(10)
        assert [rerun.key.run_time for rerun in reruns] == [NOW - 1, NOW]
        assert list(store.claim_reruns("n2", reruns)) == [
            0
        ]  # which changes the revision that the other names
        assert list(store.claim_reruns("n2", store.read_reruns(10))) == [0]

    # -- races and repeated calls ----------------------------------------------------------------------------

    def test_a_repetition_is_won_by_exactly_one_of_several_nodes(self, nodes: OpenNodes) -> None:
        racers = list(zip(nodes(4), ("n2", "n3", "n4", "n5"), strict=True))
        for n, then in enumerate((LATER, None, LATER, None)):
            cut_off(racers[0][0], f"j{n}", then=then)
            (rerun,) = racers[0][0].read_reruns(10)
            results = race(racers, lambda racer, r=rerun: list(racer[0].claim_reruns(racer[1], [r])))  # type: ignore[misc]
            assert sorted(results) == [[], [], [], [0]]
            new, _ = runs_of(racers[0][0], f"j{n}")
            assert (new.status, new.node) == (RUNNING, racers[results.index([0])][1])

    @pytest.mark.parametrize("then", [LATER, None])
    def test_one_that_is_repeated_by_its_node_is_won_again_and_written_once(
        self, nodes: OpenNodes, then: float | None
    ) -> None:
        first, again = nodes(2)
        cut_off(first, then=then)
        reruns = first.read_reruns(10)
        assert list(first.claim_reruns("n2", reruns)) == [0]
        after = first.read_job("j")
        assert list(again.claim_reruns("n2", reruns)) == [0]
        assert list(again.claim_reruns("n3", reruns)) == []
        assert again.read_job("j") == after
        assert len(runs_of(again)) == 2

    def test_one_whose_job_has_changed_is_lost(self, nodes: OpenNodes) -> None:
        first, slow = nodes(2)
        cut_off(first)
        reruns = slow.read_reruns(10)
        won(first, claim_of(stored(first)), "n2")
        assert list(slow.claim_reruns("n3", reruns)) == []
        assert [run.status for run in runs_of(first)] == [RUNNING, INTERRUPTED]
        assert len(first.read_reruns(10)) == 1

    def test_one_that_is_lost_leaves_the_others_of_its_batch(self, store: ClaimingJobStore) -> None:
        for job_id in "abc":
            cut_off(store, job_id)
        reruns = store.read_reruns(10)
        store.claim_reruns("n2", [rerun for rerun in reruns if rerun.key.job_id == "b"])
        left = store.claim_reruns("n3", reruns)
        assert {reruns[index].key.job_id for index in left} == {"a", "c"}

    # -- removal ---------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("job_ids", [["j"], None])
    @pytest.mark.parametrize("then", [LATER, None])
    def test_what_was_removed_is_not_repeated(
        self, nodes: OpenNodes, job_ids: list[str] | None, then: float | None
    ) -> None:
        first, slow = nodes(2)
        cut_off(first, then=then)
        reruns = slow.read_reruns(10)
        first.delete_jobs(job_ids)
        assert list(first.read_reruns(10)) == []
        assert list(slow.claim_reruns("n2", reruns)) == []
        assert [run.status for run in runs_of(first)] == [INTERRUPTED]

    def test_what_is_removed_while_it_runs_is_not_repeated(self, store: ClaimingJobStore) -> None:
        row = added(store)
        won(store, claim_of(row, rerun=row.definition), "n1")
        store.delete_jobs(["j"])
        store.take_over("n1", LATER, "node n1 died")
        assert list(store.read_reruns(10)) == []

    def test_a_removal_leaves_what_other_jobs_repeat(self, store: ClaimingJobStore) -> None:
        cut_off(store)
        store.insert_jobs([row_of(store, "other")])
        store.delete_jobs(["other"])
        assert len(store.read_reruns(10)) == 1
