"""What a job store promises about pages and filters of the list of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from apscheduler._core.claims import JobRow
from apscheduler._core.listing import JobQuery, Position
from apscheduler.testing._jobstore_tools import LATER, MUCH_LATER, NOW, StoreTests, row_of

if TYPE_CHECKING:
    from apscheduler.jobstores.base import ClaimingJobStore

ALL = JobQuery()
ROWS = [
    ("late", LATER), ("b", NOW), ("B", NOW), ("a", NOW), ("ä", NOW), ("作業", NOW), ("\uffee", NOW), ("🕐", NOW),
    ("a_1", LATER), ("a%1", LATER), ("A_1", LATER), ("ab", MUCH_LATER),
    ("paused a", None), ("Paused", None), ("z", None), ("old", -1.5),
]  # fmt: skip


def whole(store: ClaimingJobStore, query: JobQuery = ALL) -> list[str]:
    """Return the ids on a page."""
    return [row.job_id for row in store.read_page(query)]


class PagesContract(StoreTests):
    """Pages and filters."""

    @pytest.fixture
    def filled(self, store: ClaimingJobStore) -> ClaimingJobStore:
        """Return a store with jobs that are scheduled, due at the same time, and paused."""
        assert not store.insert_jobs([row_of(store, job_id, at) for job_id, at in ROWS])
        return store

    def test_pages_put_together_are_the_whole_list(self, filled: ClaimingJobStore) -> None:
        for size in (1, 3, 100):
            rows: list[JobRow] = []
            after = None
            while page := filled.read_page(JobQuery(size, after)):
                assert len(page) <= size
                rows += page
                after = Position(page[-1].next_run_time, page[-1].job_id)
            assert rows == list(filled.read_jobs())

    def test_without_limit_and_filter_it_is_the_whole_list(self, filled: ClaimingJobStore) -> None:
        assert list(filled.read_page(JobQuery())) == list(filled.read_jobs())

    def test_a_page_of_nothing_is_empty(self, filled: ClaimingJobStore) -> None:
        assert whole(filled, JobQuery(limit=0)) == []

    def test_no_job_needs_to_be_where_a_page_begins(self, filled: ClaimingJobStore) -> None:
        assert whole(filled, JobQuery(2, Position(NOW, "a0"))) == ["b", "ä"]
        assert whole(filled, JobQuery(2, Position(LATER + 1, ""))) == ["ab", "Paused"]
        assert whole(filled, JobQuery(None, Position(None, "b"))) == ["paused a", "z"]
        assert whole(filled, JobQuery(9, Position(None, "zz"))) == []

    def test_a_page_goes_on_where_it_was_when_jobs_above_it_are_removed(
        self, filled: ClaimingJobStore
    ) -> None:
        first = filled.read_page(JobQuery(4))
        filled.delete_jobs([row.job_id for row in first])
        rest = whole(filled, JobQuery(2, Position(first[-1].next_run_time, first[-1].job_id)))
        assert rest == [row.job_id for row in filled.read_jobs()][:2]

    def test_a_prefix_of_ids_is_compared_exactly(self, filled: ClaimingJobStore) -> None:
        ids = [row.job_id for row in filled.read_jobs()]
        for prefix in ("a", "A", "a_", "a%", "ä", "作", "\uffee", "🕐", "paused ", "nobody", "b\\"):
            expected = [job_id for job_id in ids if job_id.startswith(prefix)]
            for limit in (None, 100):
                assert whole(filled, JobQuery(limit, id_prefix=prefix)) == expected, prefix

    def test_due_before_excludes_its_time_and_paused_jobs(self, filled: ClaimingJobStore) -> None:
        for limit in (None, 100):
            assert whole(filled, JobQuery(limit, due_before=NOW)) == ["old"]
            assert len(whole(filled, JobQuery(limit, due_before=LATER))) == 8
            assert whole(filled, JobQuery(limit, due_before=NOW, paused=True)) == []

    def test_paused_jobs_are_listed_alone_or_left_out(self, filled: ClaimingJobStore) -> None:
        paused = ["Paused", "paused a", "z"]
        for limit in (None, 100):
            assert whole(filled, JobQuery(limit, paused=True)) == paused
            assert whole(filled, JobQuery(limit, paused=False)) == whole(filled)[: -len(paused)]
            assert whole(filled, JobQuery(limit, Position(None, "Paused"), paused=False)) == []
        assert whole(filled, JobQuery(1, Position(LATER, "x"), paused=True)) == ["Paused"]

    def test_filters_and_pages_go_together(self, filled: ClaimingJobStore) -> None:
        query = JobQuery(2, due_before=MUCH_LATER, id_prefix="a")
        assert whole(filled, query) == ["a", "a%1"]
        assert whole(filled, query._replace(after=Position(LATER, "a%1"))) == ["a_1"]
