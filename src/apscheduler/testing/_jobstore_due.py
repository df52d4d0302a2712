"""What a job store promises about reading what is due, and about counting live claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apscheduler._core.claims import MISSED, SKIPPED, NewRun
from apscheduler.testing._jobstore_tools import (
    LATER,
    MUCH_LATER,
    NOW,
    OpenNodes,
    StoreTests,
    added,
    claim_of,
    done,
    row_of,
    stored,
    won,
)

if TYPE_CHECKING:
    from apscheduler.jobstores.base import ClaimingJobStore


class DueContract(StoreTests):
    """What is due."""

    def test_due_jobs_come_earliest_first_with_what_is_stored(self, store: ClaimingJobStore) -> None:
        times = {"b": NOW - 1, "c": NOW - 0.5, "a": NOW - 2, "paused": None, "later": LATER}
        store.insert_jobs([row_of(store, job_id, at) for job_id, at in times.items()])
        due = store.read_due(NOW, 10)
        assert [row.job_id for row in due.rows] == ["a", "b", "c"]
        for row in due.rows:
            assert row[:4] == (row.job_id, times[row.job_id], *stored(store, row.job_id)[2:])
            assert row.live == 0
        assert due.next_run_time == LATER

    def test_a_job_is_due_at_its_time_and_not_before(self, store: ClaimingJobStore) -> None:
        added(store)
        assert [row.job_id for row in store.read_due(NOW, 10).rows] == ["j"]
        before = store.read_due(NOW - 0.000001, 10)
        assert not before.rows
        assert before.next_run_time == NOW

    def test_no_more_than_the_limit_are_read_the_earliest_ones(self, store: ClaimingJobStore) -> None:
        store.insert_jobs([row_of(store, f"{n}", NOW - n) for n in range(9)])
        due = store.read_due(NOW, 3)
        assert [row.job_id for row in due.rows] == ["8", "7", "6"]
        assert due.next_run_time is None

    def test_what_is_due_but_beyond_the_limit_is_not_the_next_time(self, store: ClaimingJobStore) -> None:
        store.insert_jobs([row_of(store, f"{n}", NOW - n) for n in range(9)])
        added(store, "much later", MUCH_LATER)
        added(store, "later", LATER)
        assert store.read_due(NOW, 3).next_run_time in (LATER, None)
        assert store.read_due(NOW, 9).next_run_time == LATER

    def test_a_limit_of_none_at_all_tells_the_next_time(self, store: ClaimingJobStore) -> None:
        added(store, "due")
        added(store, "later", LATER)
        due = store.read_due(NOW, 0)
        assert list(due.rows) == []
        assert due.next_run_time in (LATER, None)
        assert store.read_due(float("-inf"), 0).next_run_time == NOW

    def test_the_shares_of_what_is_due_are_all_of_it_and_nothing_twice(self, store: ClaimingJobStore) -> None:
        rows = [row_of(store, f"{n}", NOW - n) for n in range(20)]
        store.insert_jobs([row._replace(revision=rows[0].revision + n) for n, row in enumerate(rows)])
        added(store, "later", LATER)
        shares = [store.read_share(NOW, 20, part, 3).rows for part in range(3)]
        assert sorted(row for share in shares for row in share) == sorted(store.read_due(NOW, 20).rows)
        for part, share in enumerate(shares):
            assert {row.revision % 3 for row in share} == {part}
            assert [row.next_run_time for row in share] == sorted(row.next_run_time for row in share)

    def test_no_more_of_a_share_than_the_limit_are_read_the_earliest_ones(
        self, store: ClaimingJobStore
    ) -> None:
        rows = [row_of(store, f"{n}", NOW - n) for n in range(20)]
        store.insert_jobs([row._replace(revision=rows[0].revision + n) for n, row in enumerate(rows)])
        [part] = {row.revision % 2 for row in store.read_due(NOW, 1).rows}
        share = store.read_share(NOW, 3, part, 2).rows
        assert [row.job_id for row in share] == ["19", "17", "15"]

    def test_nothing_is_due_in_an_empty_store(self, store: ClaimingJobStore) -> None:
        due = store.read_due(NOW, 10)
        assert (list(due.rows), due.next_run_time) == ([], None)

    def test_reading_writes_nothing_and_may_be_repeated(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        row = added(first)
        due = first.read_due(NOW, 10)
        assert second.read_due(NOW, 10).rows == due.rows == first.read_due(NOW, 10).rows
        assert stored(second) == row

    def test_a_claimed_job_is_due_again_at_its_next_time(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        won(first, claim_of(added(first), then=LATER))
        due = second.read_due(NOW, 10)
        assert not due.rows
        assert due.next_run_time == LATER
        assert [row.job_id for row in second.read_due(LATER, 10).rows] == ["j"]

    # -- live claims -----------------------------------------------------------------------------------------

    def test_live_counts_the_claims_with_unfinished_runs_of_all_nodes(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        won(first, claim_of(added(first), then=NOW + 1), "n1")
        assert _live(second) == 1
        keys = won(second, claim_of(stored(second), then=NOW + 2), "n2")
        assert _live(first) == 2
        second.finish([done(key) for key in keys])
        assert _live(first) == 1

    def test_live_counts_a_claim_of_several_runs_once_until_the_last_of_them_has_finished(
        self, store: ClaimingJobStore
    ) -> None:
        runs = [NewRun(NOW - 2), NewRun(NOW - 1), NewRun(NOW)]
        keys = won(store, claim_of(added(store), runs=runs))
        assert _live(store) == 1
        store.finish([done(keys[0]), done(keys[2])])
        assert _live(store) == 1
        store.finish([done(keys[1])])
        assert _live(store) == 0

    def test_live_does_not_count_what_is_not_run(self, store: ClaimingJobStore) -> None:
        runs = [NewRun(NOW - 2, SKIPPED, "max_instances"), NewRun(NOW - 1, MISSED, "late")]
        won(store, claim_of(added(store), runs=runs))
        assert _live(store) == 0

    def test_live_does_not_count_what_another_node_has_recorded_as_interrupted(
        self, nodes: OpenNodes
    ) -> None:
        first, second = nodes(2)
        won(first, claim_of(added(first)), "n1")
        second.take_over("n1", LATER, "gone")
        assert _live(first) == 0

    def test_live_does_not_count_other_jobs_nor_an_unkept_run(self, store: ClaimingJobStore) -> None:
        won(store, claim_of(added(store, "other")))
        keys = won(store, claim_of(added(store)))
        store.finish([done(key) for key in keys], keep=False)
        assert _live(store) == 0

    def test_live_counts_the_runs_of_an_earlier_job_with_the_same_id(self, store: ClaimingJobStore) -> None:
        won(store, claim_of(added(store)))
        store.delete_jobs(["j"])
        added(store)
        assert _live(store) == 1


def _live(store: ClaimingJobStore) -> int:
    rows = {row.job_id: row for row in store.read_due(MUCH_LATER, 10).rows}
    return rows["j"].live
