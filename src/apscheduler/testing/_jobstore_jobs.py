"""What a job store promises about jobs: insert, replace, read, delete, and revisions that never return."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from apscheduler._core.claims import JobRow
from apscheduler.testing._jobstore_tools import (
    LATER,
    MUCH_LATER,
    NOW,
    OpenNodes,
    StoreTests,
    a_job,
    added,
    claim_of,
    race,
    row_of,
    runs_of,
    stored,
    won,
)

if TYPE_CHECKING:
    from apscheduler.jobstores.base import ClaimingJobStore

IDS = ("ünïcødé-作業-🕐", "with blank and 'quotes\" and % and \\", "x" * 191, "a", "A", "ä")
TIMES = (NOW, 0.0, -62135596799.0, 0.000001, 253402300799.0, 1_700_000_000.123457, 4_102_444_799.999999)


class JobsContract(StoreTests):
    """Jobs."""

    def test_an_added_job_is_read_back_by_every_node(self, nodes: OpenNodes) -> None:
        writer, reader = nodes(2)
        proposed = row_of(writer)
        assert not writer.insert_jobs([proposed])
        row = stored(reader)
        assert row.job_id == "j"
        assert row.next_run_time == NOW
        assert row.revision >= proposed.revision
        assert reader.load(row).id == "j"

    def test_a_job_that_does_not_exist_reads_as_none(self, store: ClaimingJobStore) -> None:
        assert store.read_job("nobody") is None

    @pytest.mark.parametrize("job_id", IDS)
    def test_an_id_may_be_any_text(self, store: ClaimingJobStore, job_id: str) -> None:
        row = added(store, job_id)
        won(store, claim_of(row))
        assert [r.job_id for r in store.read_jobs()] == [job_id]
        assert [run.job_id for run in runs_of(store, job_id)] == [job_id]

    def test_ids_are_told_apart_exactly(self, store: ClaimingJobStore) -> None:
        added(store, "a")
        assert store.read_job("A") is None
        assert store.delete_jobs(["A"]) == 0
        added(store, "A")
        assert store.delete_jobs(["a"]) == 1
        assert [row.job_id for row in store.read_jobs()] == ["A"]

    @pytest.mark.parametrize("time", TIMES)
    def test_a_time_comes_back_to_the_microsecond(self, store: ClaimingJobStore, time: float) -> None:
        row = added(store, at=time)
        assert row.next_run_time == time
        assert won(store, claim_of(row, then=None))[0].run_time == time
        assert [run.run_time for run in runs_of(store)] == [time]

    def test_rows_are_listed_by_time_with_paused_ones_last_and_ties_by_id(
        self, store: ClaimingJobStore
    ) -> None:
        rows = [("late", LATER), ("b", NOW), ("P", None), ("a", NOW), ("B", NOW), ("old", -1.0), ("p", None)]
        store.insert_jobs([row_of(store, job_id, at) for job_id, at in rows])
        assert [row.job_id for row in store.read_jobs()] == ["old", "B", "a", "b", "late", "P", "p"]

    def test_a_thousand_jobs_are_inserted_together_and_all_listed(self, store: ClaimingJobStore) -> None:
        ids = [f"job {n:04}" for n in range(1000)]
        assert not store.insert_jobs([row_of(store, job_id, NOW + n) for n, job_id in enumerate(ids)])
        assert [row.job_id for row in store.read_jobs()] == ids
        assert store.delete_jobs(ids) == 1000

    # -- insert ----------------------------------------------------------------------------------------------

    def test_an_insert_with_a_taken_id_inserts_nothing_and_names_the_id(
        self, store: ClaimingJobStore
    ) -> None:
        before = [added(store, "b"), added(store, "d")]
        rows = [row_of(store, job_id, LATER) for job_id in "abcde"]
        assert sorted(store.insert_jobs(rows)) == ["b", "d"]
        assert list(store.read_jobs()) == before

    def test_an_insert_with_the_same_id_twice_inserts_nothing(self, store: ClaimingJobStore) -> None:
        taken = store.insert_jobs([row_of(store, "a"), row_of(store, "b"), row_of(store, "a")])
        assert "a" in taken
        assert list(store.read_jobs()) == []

    def test_an_insert_of_nothing_is_done(self, store: ClaimingJobStore) -> None:
        assert not store.insert_jobs([])

    def test_of_several_nodes_that_add_an_id_one_does(self, nodes: OpenNodes) -> None:
        taken = race(nodes(4), lambda node: list(node.insert_jobs([row_of(node)])))
        assert sorted(taken) == [[], ["j"], ["j"], ["j"]]

    # -- revisions -------------------------------------------------------------------------------------------

    def test_a_revision_does_not_return_when_a_job_is_removed_and_added_again(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        before = added(first)
        first.delete_jobs(["j"])
        assert not second.insert_jobs([before])  # proposes the very same revision
        assert stored(second).revision > before.revision

    def test_a_revision_does_not_return_when_all_jobs_are_removed(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        before = added(first)
        second.delete_jobs(None)
        assert not first.insert_jobs([before])
        assert stored(first).revision > before.revision

    def test_a_revision_is_above_those_that_the_records_of_an_earlier_job_name(
        self, nodes: OpenNodes
    ) -> None:
        first, second = nodes(2)
        before = added(first)
        won(first, claim_of(before, then=None))
        assert not second.insert_jobs([before, row_of(second, "other")])
        assert stored(second).revision > before.revision

    def test_every_change_raises_the_revision(self, store: ClaimingJobStore) -> None:
        row = added(store)
        assert store.replace_job(row)
        replaced = stored(store)
        won(store, claim_of(replaced))
        claimed = stored(store)
        assert row.revision < replaced.revision < claimed.revision

    # -- replace ---------------------------------------------------------------------------------------------

    def test_replacing_a_job_writes_its_definition_and_time(self, nodes: OpenNodes) -> None:
        writer, reader = nodes(2)
        row = added(writer)
        definition = writer.dump(a_job(at=LATER, name="another", max_instances=3))
        assert writer.replace_job(JobRow("j", LATER, row.revision, definition))
        after = stored(reader)
        job = reader.load(after)
        assert after.next_run_time == LATER
        assert (job.name, job.max_instances, job.next_run_time) == (
            "another",
            3,
            a_job(at=LATER).next_run_time,
        )

    def test_a_job_is_paused_by_replacing_its_time_with_none(self, store: ClaimingJobStore) -> None:
        row = added(store)
        paused = store.dump(a_job(at=None))
        assert store.replace_job(row._replace(next_run_time=None, definition=paused))
        assert stored(store).next_run_time is None
        assert not store.read_due(MUCH_LATER, 10).rows

    def test_a_replacement_of_an_old_revision_has_no_effect(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        old = added(first)
        assert first.replace_job(old._replace(next_run_time=LATER))
        assert not second.replace_job(old._replace(next_run_time=MUCH_LATER))
        assert stored(second).next_run_time == LATER

    def test_a_removed_job_is_not_replaced(self, store: ClaimingJobStore) -> None:
        row = added(store)
        store.delete_jobs(["j"])
        assert not store.replace_job(row)
        assert store.read_job("j") is None

    def test_of_several_nodes_that_replace_a_job_one_does(self, nodes: OpenNodes) -> None:
        racers = nodes(4)
        row = added(racers[0])
        times = {id(node): LATER + n for n, node in enumerate(racers)}
        written = race(racers, lambda node: node.replace_job(row._replace(next_run_time=times[id(node)])))
        if not self.keeps_objects:  # where all nodes are one object, which of the calls won does not show
            assert stored(racers[0]).next_run_time == LATER + written.index(True)
        assert sorted(written) == [False, False, False, True]

    # -- delete ----------------------------------------------------------------------------------------------

    def test_deleting_counts_the_jobs_that_were_there(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        for job_id in "abc":
            added(first, job_id)
        assert second.delete_jobs(["a", "c", "nobody", "a"]) == 2
        assert [row.job_id for row in first.read_jobs()] == ["b"]
        assert first.delete_jobs([]) == 0

    def test_deleting_all_jobs_counts_them_too(self, store: ClaimingJobStore) -> None:
        for job_id in "abc":
            added(store, job_id)
        assert store.delete_jobs(None) == 3
        assert store.delete_jobs(None) == 0
        assert list(store.read_jobs()) == []

    def test_of_several_nodes_that_delete_a_job_one_did(self, nodes: OpenNodes) -> None:
        racers = nodes(4)
        added(racers[0])
        assert sorted(race(racers, lambda node: node.delete_jobs(["j"]))) == [0, 0, 0, 1]

    @pytest.mark.parametrize("which", [["j"], None])
    def test_the_runs_of_a_deleted_job_are_kept(
        self, store: ClaimingJobStore, which: list[str] | None
    ) -> None:
        won(store, claim_of(added(store)))
        store.delete_jobs(which)
        assert len(runs_of(store)) == 1

    # -- what stays ------------------------------------------------------------------------------------------

    def test_jobs_are_still_there_for_a_node_that_comes_later(self, nodes: OpenNodes) -> None:
        if not self.survives_shutdown:
            pytest.skip("this store forgets when it shuts down")
        first = nodes(1)[0]
        row = added(first)
        first.shutdown()
        assert stored(nodes(1)[0]) == row
