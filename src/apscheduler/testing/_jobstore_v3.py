"""What a job store promises as 3.x does: the eight methods on `Job` objects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

import pytest

from apscheduler._core.claims import JobRow
from apscheduler.errors import (
    ConflictingIdError,
    JobLookupError,
    JobSerializationError,
    JobUnreadableError,
    TransientJobError,
)
from apscheduler.testing._jobstore_tools import (
    LATER,
    NOW,
    OpenNodes,
    StoreTests,
    a_job,
    added,
    as_time,
    claim_of,
    do_nothing,
    stored,
    won,
)

if TYPE_CHECKING:
    from apscheduler.jobstores.base import ClaimingJobStore


class V3Contract(StoreTests):
    """The contract of 3.x."""

    def test_an_added_job_is_found_with_all_that_it_is(self, nodes: OpenNodes) -> None:
        writer, reader = nodes(2)
        job = a_job(
            args=(1, "two"), kwargs={"three": [3]}, coalesce=False, misfire_grace_time=None, name="näme 🕐"
        )
        writer.add_job(job)
        found = reader.lookup_job("j")
        assert found is not None
        for name in (
            "id", "name", "args", "kwargs", "coalesce", "misfire_grace_time", "max_instances", "executor",
            "next_run_time", "func", "func_ref",
        ):  # fmt: skip
            assert getattr(found, name) == getattr(job, name)
        assert str(found.trigger) == str(job.trigger)
        assert found.func is do_nothing

    def test_an_unknown_job_is_looked_up_as_none(self, store: ClaimingJobStore) -> None:
        assert store.lookup_job("nobody") is None

    def test_adding_an_id_that_is_taken_is_refused(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        first.add_job(a_job())
        with pytest.raises(ConflictingIdError, match="j"):
            second.add_job(a_job(at=LATER))
        assert stored(first).next_run_time == NOW

    def test_updating_a_job_replaces_it(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        first.add_job(a_job())
        second.update_job(a_job(at=None, max_instances=5))
        found = first.lookup_job("j")
        assert found is not None
        assert (found.max_instances, found.next_run_time) == (5, None)

    def test_an_update_counts_whatever_was_changed_before(self, store: ClaimingJobStore) -> None:
        won(store, claim_of(added(store)))
        store.update_job(a_job(at=LATER + 1))
        assert stored(store).next_run_time == LATER + 1

    def test_updating_or_removing_an_unknown_job_is_an_error(self, store: ClaimingJobStore) -> None:
        with pytest.raises(JobLookupError, match="nobody"):
            store.update_job(a_job("nobody"))
        with pytest.raises(JobLookupError, match="nobody"):
            store.remove_job("nobody")
        assert store.read_job("nobody") is None

    def test_a_removed_job_is_gone(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        first.add_job(a_job())
        second.remove_job("j")
        assert first.lookup_job("j") is None

    def test_all_jobs_are_removed_together(self, store: ClaimingJobStore) -> None:
        store.add_job(a_job("a"))
        store.add_job(a_job("b", at=None))
        store.remove_all_jobs()
        assert store.get_all_jobs() == []
        assert store.get_next_run_time() is None

    def test_all_jobs_are_listed_by_time_with_paused_ones_last(self, store: ClaimingJobStore) -> None:
        for job_id, at in {"paused": None, "late": LATER, "early": NOW - 1, "now": NOW}.items():
            store.add_job(a_job(job_id, at))
        assert [job.id for job in store.get_all_jobs()] == ["early", "now", "late", "paused"]

    def test_due_jobs_are_those_whose_time_has_come(self, store: ClaimingJobStore) -> None:
        for job_id, at in {"paused": None, "late": LATER, "early": NOW - 1, "now": NOW}.items():
            store.add_job(a_job(job_id, at))
        now = as_time(NOW)
        assert [job.id for job in store.get_due_jobs(now)] == ["early", "now"]
        assert [job.id for job in store.get_due_jobs(now - timedelta(microseconds=1))] == ["early"]
        assert store.get_due_jobs(datetime(2001, 1, 1, tzinfo=UTC)) == []

    def test_the_next_run_time_is_the_earliest_of_all(self, store: ClaimingJobStore) -> None:
        assert store.get_next_run_time() is None
        store.add_job(a_job("paused", at=None))
        assert store.get_next_run_time() is None
        store.add_job(a_job("late", at=LATER))
        store.add_job(a_job("now", at=NOW))
        assert store.get_next_run_time() == as_time(NOW)

    def test_a_firing_shows_in_the_next_run_time_of_the_job(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        won(first, claim_of(added(first), then=LATER))
        found = second.lookup_job("j")
        assert found is not None
        assert found.next_run_time == as_time(LATER)

    # -- what cannot be kept as bytes ------------------------------------------------------------------------

    def test_a_function_without_a_name_to_find_it_by_is_refused(self, store: ClaimingJobStore) -> None:
        if self.keeps_objects:
            store.add_job(a_job(func=lambda: None))
            return
        with pytest.raises(TransientJobError, match="j"):
            store.add_job(a_job(func=lambda: None))
        assert store.read_job("j") is None

    def test_an_argument_that_cannot_be_stored_is_refused_by_name(self, store: ClaimingJobStore) -> None:
        if self.keeps_objects:
            store.add_job(a_job(args=(Lock(),)))
            return
        with pytest.raises(JobSerializationError, match=r"args\[1\]"):
            store.add_job(a_job(args=("fine", Lock())))
        assert store.read_job("j") is None

    def test_a_job_that_cannot_be_read_here_is_kept_and_listed_with_the_reason(
        self, store: ClaimingJobStore
    ) -> None:
        if self.keeps_objects:
            pytest.skip("what is kept is the object itself")
        added(store, "fine")
        assert not store.insert_jobs([JobRow("odd", NOW - 1, store.new_revision(), b"no pickle at all")])
        before = stored(store, "odd")
        odd, fine = store.get_all_jobs()
        assert (odd.id, fine.id) == ("odd", "fine")
        assert odd.unreadable_reason is not None
        assert fine.unreadable_reason is None
        assert [job.id for job in store.get_due_jobs(as_time(LATER))] == ["fine"]
        assert [row.job_id for row in store.read_due(NOW, 10).rows] == ["odd", "fine"]
        looked_up = store.lookup_job("odd")
        assert looked_up is not None
        assert looked_up.next_run_time == odd.next_run_time == as_time(NOW - 1)
        with pytest.raises(JobUnreadableError):
            looked_up.func()
        assert stored(store, "odd") == before
