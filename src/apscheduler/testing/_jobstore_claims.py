"""What a job store promises about claims: won by one node, without effect for the others, repeatable."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from apscheduler._core.claims import MISSED, RUNNING, SKIPPED, NewRun
from apscheduler.testing._jobstore_tools import (
    LATER,
    MUCH_LATER,
    NOW,
    OpenNodes,
    StoreTests,
    a_job,
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
    from collections.abc import Callable

    from apscheduler.jobstores.base import ClaimingJobStore


class ClaimsContract(StoreTests):
    """Claims."""

    batch: ClassVar[int] = 60
    """How many jobs the tests of batches use."""

    def test_a_claim_that_is_won_moves_the_job_on_and_records_its_run(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        row = added(first)
        won(first, claim_of(row, then=LATER), "n1")
        after = stored(second)
        assert (after.next_run_time, after.revision) == (LATER, row.revision + 1)
        (run,) = runs_of(second)
        assert run[1:] == ("j", row.revision, NOW, 1, RUNNING, "n1", None, None, None, None, None, None)

    def test_a_firing_is_won_by_exactly_one_of_several_nodes(self, nodes: OpenNodes) -> None:
        racers = list(zip(nodes(4), ("n1", "n2", "n3", "n4"), strict=True))
        for n in range(5):
            row = added(racers[0][0], f"j{n}")
            results = race(racers, lambda racer, row=row: list(racer[0].claim(racer[1], [claim_of(row)])))  # type: ignore[misc]
            assert sorted(results) == [[], [], [], [0]]
            (run,) = runs_of(racers[0][0], f"j{n}")
            assert run.node == racers[results.index([0])][1]

    def test_a_claim_that_is_lost_has_no_effect(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        row = added(first)
        won(first, claim_of(row, then=LATER), "n1")
        after = stored(first)
        lost = [claim_of(row, then=MUCH_LATER), claim_of(row, then=None)]
        for claim in lost:
            assert list(second.claim("n2", [claim])) == []
        assert stored(first) == after
        assert [run.node for run in runs_of(first)] == ["n1"]

    def test_of_a_batch_just_the_current_claims_are_won(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        rows = [added(first, job_id) for job_id in "abcde"]
        won(second, claim_of(rows[1]), "n2")
        second.delete_jobs(["d"])
        assert sorted(first.claim("n1", [claim_of(row) for row in rows])) == [0, 2, 4]
        assert {run.job_id for run in runs_of(first, None) if run.node == "n1"} == {"a", "c", "e"}
        assert [stored(first, job_id).next_run_time for job_id in "abce"] == [LATER] * 4

    def test_a_batch_may_mix_all_kinds_of_claims(self, store: ClaimingJobStore) -> None:
        rows = {job_id: added(store, job_id) for job_id in ("moved", "removed", "redefined", "skipped")}
        definition = store.dump(a_job("redefined", name="new"))
        claims = [
            claim_of(rows["moved"]),
            claim_of(rows["removed"], then=None),
            claim_of(rows["redefined"], definition=definition),
            claim_of(rows["skipped"], runs=[NewRun(NOW, SKIPPED, "max_instances")]),
        ]
        assert sorted(store.claim("n1", claims)) == [0, 1, 2, 3]
        assert {row.job_id for row in store.read_jobs()} == {"moved", "redefined", "skipped"}
        assert len(runs_of(store, None)) == 4

    def test_no_claims_are_none_won(self, store: ClaimingJobStore) -> None:
        assert list(store.claim("n1", [])) == []

    def test_a_large_batch_is_won_whole(self, store: ClaimingJobStore) -> None:
        store.insert_jobs([row_of(store, f"j{n:03}") for n in range(self.batch)])
        rows = store.read_due(NOW, self.batch).rows
        claims = [claim_of(row) for row in rows]
        assert len(store.claim("n1", claims)) == self.batch
        assert len(runs_of(store, None, limit=None)) == self.batch

    def test_nodes_that_claim_the_same_jobs_in_opposite_orders_win_each_job_once(
        self, nodes: OpenNodes
    ) -> None:
        first, second = nodes(2)
        first.insert_jobs([row_of(first, f"j{n:03}") for n in range(self.batch)])
        claims = [claim_of(row) for row in first.read_due(NOW, self.batch).rows]
        racers = [(first, "n1", claims), (second, "n2", claims[::-1])]
        results = race(racers, lambda racer: [racer[2][n].job_id for n in racer[0].claim(racer[1], racer[2])])
        assert sorted(results[0] + results[1]) == sorted(claim.job_id for claim in claims)
        assert len(runs_of(first, None, limit=None)) == self.batch

    # -- what a claim writes ---------------------------------------------------------------------------------

    def test_a_claim_without_a_next_time_removes_the_job_and_keeps_its_run(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        won(first, claim_of(added(first), then=None))
        assert second.read_job("j") is None
        assert [run.status for run in runs_of(second)] == [RUNNING]

    def test_a_claim_with_a_definition_replaces_that_of_the_job(self, nodes: OpenNodes) -> None:
        if self.keeps_objects:
            pytest.skip("the object that this store keeps is the definition")
        first, second = nodes(2)
        row = added(first)
        won(first, claim_of(row, definition=first.dump(a_job(name="counted down"))))
        assert second.load(stored(second)).name == "counted down"

    def test_a_claim_without_a_definition_leaves_that_of_the_job(self, store: ClaimingJobStore) -> None:
        row = added(store)
        won(store, claim_of(row))
        assert stored(store).definition == row.definition

    def test_a_claim_records_all_of_its_runs(self, store: ClaimingJobStore) -> None:
        runs = [NewRun(NOW - 2, MISSED, "2 s late"), NewRun(NOW - 1, SKIPPED, "coalesced"), NewRun(NOW)]
        won(store, claim_of(added(store), runs=runs))
        found = runs_of(store)
        assert [(run.run_time, run.status, run.reason) for run in found] == [
            (NOW, RUNNING, None),
            (NOW - 1, SKIPPED, "coalesced"),
            (NOW - 2, MISSED, "2 s late"),
        ]
        assert [run.finished is None for run in found] == [True, False, False]
        assert [run.started for run in found] == [None, None, None]

    def test_a_claim_records_its_attempt(self, store: ClaimingJobStore) -> None:
        won(store, claim_of(added(store)))
        won(store, claim_of(stored(store), runs=[NewRun(NOW)], attempt=2))
        assert [run.attempt for run in runs_of(store)] == [2, 1]

    # -- old revisions ---------------------------------------------------------------------------------------

    def test_a_claim_of_a_job_that_was_removed_and_added_again_is_lost(self, nodes: OpenNodes) -> None:
        first, slow = nodes(2)
        old = added(first)
        first.delete_jobs(["j"])
        first.insert_jobs([old])
        assert list(slow.claim("n2", [claim_of(old)])) == []
        assert runs_of(first) == []

    def test_a_claim_of_a_job_that_fired_for_the_last_time_and_was_added_again_is_lost(
        self, nodes: OpenNodes
    ) -> None:
        first, slow = nodes(2)
        old = added(first)
        keys = won(first, claim_of(old, then=None), "n1")
        first.finish([done(key) for key in keys], keep=False)
        first.insert_jobs([old])
        assert list(slow.claim("n2", [claim_of(old)])) == []

    def test_a_claim_of_a_job_that_was_replaced_is_lost(self, nodes: OpenNodes) -> None:
        first, slow = nodes(2)
        old = added(first)
        assert first.replace_job(old._replace(next_run_time=None))
        assert list(slow.claim("n2", [claim_of(old)])) == []
        assert stored(first).next_run_time is None

    def test_a_replacement_of_a_job_that_was_claimed_is_lost(self, nodes: OpenNodes) -> None:
        first, slow = nodes(2)
        old = added(first)
        won(first, claim_of(old))
        assert not slow.replace_job(old)
        assert stored(first).next_run_time == LATER

    def test_of_a_claim_and_a_replacement_at_the_same_time_one_is_done(self, nodes: OpenNodes) -> None:
        claiming, replacing = nodes(2)
        old = added(claiming)
        acts: list[Callable[[], bool]] = [
            lambda: bool(claiming.claim("n1", [claim_of(old)])),
            lambda: replacing.replace_job(old),
        ]
        claimed, replaced = race(acts, lambda act: act())
        assert claimed is not replaced
        assert len(runs_of(claiming)) == claimed

    # -- repeated claims -------------------------------------------------------------------------------------

    @pytest.mark.parametrize("then", [LATER, None])
    def test_a_claim_that_is_repeated_is_won_again_and_written_once(
        self, nodes: OpenNodes, then: float | None
    ) -> None:
        first, again = nodes(2)
        other = added(first, "other", LATER)
        runs = [NewRun(NOW - 1, SKIPPED), NewRun(NOW)]
        claim = claim_of(added(first), then=then, runs=runs)
        won(first, claim, "n1")
        after = first.read_job("j")
        assert sorted(again.claim("n1", [claim, claim_of(other)])) == [0, 1]
        assert again.read_job("j") == after
        assert len(runs_of(again)) == 2

    def test_a_claim_is_not_won_again_by_another_node(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        claim = claim_of(added(first), then=None)
        won(first, claim, "n1")
        assert list(second.claim("n2", [claim])) == []

    def test_a_claim_that_only_records_a_skipped_run_is_won_again_too(self, store: ClaimingJobStore) -> None:
        claim = claim_of(added(store), runs=[NewRun(NOW, SKIPPED, "max_instances")])
        won(store, claim)
        assert list(store.claim("n1", [claim])) == [0]
        assert len(runs_of(store)) == 1

    def test_a_claim_is_not_won_again_once_its_run_was_taken_over(self, nodes: OpenNodes) -> None:
        """Its run may have been started elsewhere since, so that the slow node must not start it."""
        slow, other = nodes(2)
        claim = claim_of(added(slow), runs=[NewRun(NOW - 1, SKIPPED), NewRun(NOW)])
        won(slow, claim, "n1")
        other.take_over("n1", LATER, "did not answer")
        assert list(slow.claim("n1", [claim])) == []

    def test_an_earlier_claim_of_the_same_node_does_not_win_a_later_one(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        won(first, claim_of(added(first), then=NOW + 1), "n1")
        row = stored(first)
        won(second, claim_of(row, then=NOW + 2), "n2")
        assert list(first.claim("n1", [claim_of(row, then=NOW + 2)])) == []
