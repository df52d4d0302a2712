"""What a job store promises about outcomes: written once, in batches, never over a record that has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from apscheduler._core.claims import FAILED, INTERRUPTED, MISSED, RUNNING, SUCCEEDED, NewRun
from apscheduler.testing._jobstore_tools import (
    LATER,
    NOW,
    OpenNodes,
    StoreTests,
    added,
    claim_of,
    done,
    keys_of,
    row_of,
    runs_of,
    won,
)

if TYPE_CHECKING:
    from apscheduler.jobstores.base import ClaimingJobStore


class FinishContract(StoreTests):
    """Outcomes."""

    def test_an_outcome_is_written_to_the_record_of_its_run(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        (key,) = won(first, claim_of(added(first)), "n1")
        outcome = done(
            key,
            FAILED,
            error="ValueError: ünïcødé 🕐",
            traceback="Trace\nback 作業",
            reason="why",
            result=b"\x00\xff",
        )
        first.finish([outcome])
        (run,) = runs_of(second)
        assert run[1:] == (*key, FAILED, "n1", *outcome[4:5], *outcome[2:4], *outcome[5:])

    def test_a_run_that_never_started_has_no_start(self, store: ClaimingJobStore) -> None:
        (key,) = won(store, claim_of(added(store)))
        store.finish([done(key, MISSED, started=None, reason="queue")])
        (run,) = runs_of(store)
        assert (run.status, run.started, run.finished, run.reason) == (MISSED, None, NOW + 1.25, "queue")

    def test_the_first_of_two_outcomes_stays(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        (key,) = won(first, claim_of(added(first)))
        first.finish([done(key)])
        before = runs_of(first)
        second.finish([done(key)])
        second.finish([done(key, FAILED, error="E: late")])
        second.finish([done(key)], keep=False)
        assert runs_of(first) == before

    def test_an_outcome_is_not_written_over_an_interrupted_record(self, nodes: OpenNodes) -> None:
        slow, other = nodes(2)
        (key,) = won(slow, claim_of(added(slow)), "n1")
        other.take_over("n1", LATER, "gone")
        slow.finish([done(key)])
        slow.finish([done(key)], keep=False)
        assert [run.status for run in runs_of(other)] == [INTERRUPTED]

    def test_an_outcome_without_a_record_has_no_effect(self, store: ClaimingJobStore) -> None:
        (key,) = won(store, claim_of(added(store)))
        strangers = [
            key._replace(job_id="nobody"),
            key._replace(revision=key.revision + 1),
            key._replace(run_time=NOW + 0.000001),
            key._replace(attempt=2),
        ]
        store.finish([done(stranger) for stranger in strangers])
        store.finish([done(stranger) for stranger in strangers], keep=False)
        assert [run.status for run in runs_of(store)] == [RUNNING]
        assert runs_of(store, "nobody") == []

    def test_no_outcomes_change_nothing(self, store: ClaimingJobStore) -> None:
        store.finish([])
        store.finish([], keep=False)

    @pytest.mark.parametrize("keep", [True, False])
    def test_a_batch_of_outcomes_is_written_to_its_records_only(
        self, store: ClaimingJobStore, keep: bool
    ) -> None:
        store.insert_jobs([row_of(store, f"j{n:03}") for n in range(60)])
        claims = [claim_of(row) for row in store.read_due(NOW, 60).rows]
        store.claim("n1", claims)
        keys = [key for claim in claims for key in keys_of(claim)]
        store.finish([done(key) for key in reversed(keys[::2])], keep=keep)
        left = {run.job_id for run in runs_of(store, None, statuses=[RUNNING])}
        assert left == {key.job_id for key in keys[1::2]}
        assert len(runs_of(store, None, statuses=[SUCCEEDED])) == (30 if keep else 0)

    def test_of_the_runs_of_one_claim_each_has_its_own_outcome(self, store: ClaimingJobStore) -> None:
        keys = won(store, claim_of(added(store), runs=[NewRun(NOW - 1), NewRun(NOW)]))
        store.finish([done(keys[0], FAILED, error="E: first"), done(keys[1], SUCCEEDED)])
        assert [(run.run_time, run.status) for run in runs_of(store)] == [(NOW, SUCCEEDED), (NOW - 1, FAILED)]

    @pytest.mark.parametrize("text", ["NUL \x00 inside", "a lone surrogate \udcff", "x" * 100_000])
    def test_a_run_that_failed_with_any_text_is_recorded(self, store: ClaimingJobStore, text: str) -> None:
        keys = won(store, claim_of(added(store), runs=[NewRun(NOW - 1), NewRun(NOW)]))
        store.finish([done(keys[0], FAILED, error=text, traceback=text, reason=text), done(keys[1])])
        assert [run.status for run in runs_of(store)] == [SUCCEEDED, FAILED]
