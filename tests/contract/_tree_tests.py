"""What the stores on ZooKeeper and etcd are tested for besides the contract."""

from __future__ import annotations

import os
import pickle
import threading
from functools import partial

import pytest

from _forks import in_child
from apscheduler._core.claims import RUNNING, RunQuery
from apscheduler.jobstores._tree_index import MINUTE
from apscheduler.testing._jobstore_tools import (
    LATER,
    NOW,
    StandIn,
    a_job,
    added,
    claim_of,
    done,
    keys_of,
    race,
    row_of,
    runs_of,
    stored,
    won,
)

PATIENCE = 30


class Bell:
    """Counts how often it was rung, and can be waited for."""

    def __init__(self):
        self._rung = threading.Semaphore(0)

    def ring(self):
        self._rung.release()

    def heard(self, seconds=PATIENCE):
        return self._rung.acquire(timeout=seconds)


def job_of_3x(at, job_id="old"):
    """Return the value that 3.x stores for a job."""
    job = a_job(job_id, at)
    state = job.__getstate__()
    return pickle.dumps({"next_run_time": at, "job_state": state}, 4)


class TreeTests:
    """Needs `open_node`, `write_document(name, value)`, `remove_document(name)` and `restartable`."""

    @pytest.fixture
    def opened(self, open_node):
        stores = []

        def open_store():
            stores.append(open_node())
            stores[-1].start(StandIn(), "default")
            return stores[-1]

        yield open_store
        for store in stores:
            store.shutdown()

    # -- batches ---------------------------------------------------------------------------------------------

    def test_a_batch_that_is_larger_than_a_transaction_is_claimed_and_one_lost_claim_costs_no_other(
        self, opened
    ):
        first, second = opened(), opened()
        ids = [f"j{n:03}" for n in range(300)]
        # Minutes apart, so that each is in a leaf of its own.
        first.insert_jobs([row_of(first, job_id, NOW - n * MINUTE) for n, job_id in enumerate(ids)])
        rows = first.read_due(NOW, 500).rows
        lost = {row.job_id for row in rows[::50]}
        second.claim("n2", [claim_of(row) for row in rows[::50]])
        claims = [claim_of(row, then=LATER + n * MINUTE) for n, row in enumerate(rows)]
        claimed = {claims[n].job_id for n in first.claim("n1", claims)}
        assert claimed == set(ids) - lost
        keys = [key for claim in claims if claim.job_id in claimed for key in keys_of(claim)]
        first.finish([done(key) for key in keys])
        assert len(second.read_runs(RunQuery(statuses=["succeeded"], limit=None))) == 294
        assert {run.job_id for run in second.read_runs(RunQuery(statuses=[RUNNING]))} == lost

    def test_nodes_that_change_jobs_of_the_same_minute_at_once_lose_none_of_them(self, opened):
        stores = [opened() for _ in range(4)]

        def work(number):
            store = stores[number]
            for n in range(10):
                row = added(store, f"{number}-{n}", NOW)
                won(store, claim_of(row, then=NOW + n), f"n{number}")
                if n % 3 == 0:
                    assert store.delete_jobs([row.job_id]) == 1
            return

        race(range(4), work)
        expected = {f"{number}-{n}" for number in range(4) for n in range(10) if n % 3}
        assert {row.job_id for row in stores[0].read_jobs()} == expected
        assert {row.job_id for row in stores[1].read_due(NOW + 10, 500).rows} == expected

    def test_sleeping_jobs_are_not_read_to_find_what_is_due(self, opened):
        store = opened()
        store.insert_jobs([row_of(store, f"s{n}", LATER + n * 30) for n in range(2000)])
        added(store, "due")
        reader = opened()
        reads = []
        tree, read = reader._tree, reader._tree.read
        tree.read = lambda keys: reads.extend(keys) or read(keys)
        due = reader.read_due(NOW, 500)
        assert [row.job_id for row in due.rows] == ["due"]
        assert due.next_run_time == LATER
        assert len(reads) < 100

    def test_a_job_that_does_not_fit_into_a_request_is_refused_by_its_size(self, opened):
        from apscheduler.errors import JobSerializationError

        store = opened()
        with pytest.raises(JobSerializationError, match="takes 2000"):
            store.add_job(a_job(args=("x" * 2_000_000,)))

    def test_outcomes_with_long_texts_are_written_in_several_transactions(self, opened):
        store = opened()
        store.insert_jobs([row_of(store, f"j{n}") for n in range(20)])
        claims = [claim_of(row) for row in store.read_due(NOW, 20).rows]
        store.claim("n1", claims)
        outcomes = [done(key, "failed", traceback="x" * 90_000) for c in claims for key in keys_of(c)]
        store.finish(outcomes)
        assert {run.traceback for run in store.read_runs(RunQuery())} == {"x" * 90_000}

    # -- 3.x -------------------------------------------------------------------------------------------------

    def test_a_job_that_3x_has_left_is_there_at_the_start_and_fires(self, opened, write_document):
        write_document("old", job_of_3x(NOW))
        store = opened()
        row = stored(store, "old")
        won(store, claim_of(row))
        assert store.load(stored(store, "old")).id == "old"
        assert opened().read_job("old").revision == row.revision + 1

    def test_a_job_that_3x_adds_is_found_with_the_next_heartbeat(self, opened, write_document):
        from apscheduler._core.claims import NodeRow

        first, second = opened(), opened()
        added(first)
        write_document("old", job_of_3x(NOW - 1))
        assert first.read_job("old") is None
        for store in (first, second):
            store.heartbeat(NodeRow("n1", "host", 1, NOW, 1))
        assert [row.job_id for row in second.read_due(NOW, 10).rows] == ["old", "j"]

    def test_a_job_that_3x_adds_wakes_who_has_subscribed(self, opened, write_document):
        store, bell = opened(), Bell()
        end = store.subscribe(bell.ring)
        write_document("old", job_of_3x(NOW))
        assert bell.heard()
        while store.read_job("old") is None:
            assert bell.heard()
        end()

    def test_what_3x_has_changed_or_removed_counts_from_the_next_start(
        self, opened, write_document, remove_document
    ):
        store = opened()
        before = [added(store, "changed"), added(store, "removed")]
        store.shutdown()
        write_document("changed", job_of_3x(LATER, "changed"))
        remove_document("removed")
        again = opened()
        [row] = again.read_jobs()
        assert (row.job_id, row.next_run_time) == ("changed", LATER)
        assert row.revision > before[0].revision
        assert not again.insert_jobs([before[1]])
        assert stored(again, "removed").revision > before[1].revision

    def test_a_job_that_3x_removes_under_our_feet_costs_no_other_its_claim(self, opened, remove_document):
        store = opened()
        rows = [added(store, job_id) for job_id in "abc"]
        remove_document("b")
        assert sorted(store.claim("n1", [claim_of(row, then=None) for row in rows])) == [0, 2]
        assert store.read_due(NOW, 10).rows == []
        assert list(store.read_jobs()) == []

    def test_a_shutdown_writes_the_next_run_time_where_3x_looks_for_it(self, opened, read_document):
        store = opened()
        row = added(store)
        won(store, claim_of(row, then=LATER))
        revision = stored(store).revision
        store.shutdown()
        document = pickle.loads(read_document("j"))
        assert document["next_run_time"] == LATER
        assert document["job_state"]["next_run_time"].timestamp() == LATER
        after = stored(opened())
        assert (after.revision, after.next_run_time) == (revision, LATER)

    # -- forks ------------------------------------------------------------------------------------------------

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
    def test_the_child_of_a_fork_starts_anew_and_the_parent_goes_on(self, opened):
        store = opened()
        row = added(store)

        def claim_in_child():
            store.forked()
            store.start(StandIn(), "default")
            return list(store.claim("child", [claim_of(row)]))

        assert in_child(claim_in_child) == [0]
        after = stored(store)
        won(store, claim_of(after, then=LATER))
        assert [run.node for run in runs_of(store)] == ["n1", "child"]

    # -- wake-ups --------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("change", ["insert", "replace", "delete"])
    def test_a_change_by_another_node_wakes_who_has_subscribed(self, opened, change):
        store, other, bell = opened(), opened(), Bell()
        row = added(store, "there")
        end = store.subscribe(bell.ring)
        while bell.heard(0.3):
            pass  # what was before
        {
            "insert": partial(added, other),
            "replace": partial(other.replace_job, row._replace(next_run_time=NOW - 1)),
            "delete": partial(other.delete_jobs, ["there"]),
        }[change]()
        assert bell.heard()
        end()

    def test_nobody_is_woken_after_the_end_of_a_subscription(self, opened):
        store, other, bell = opened(), opened(), Bell()
        store.subscribe(bell.ring)()
        while bell.heard(0):
            pass
        added(other)
        assert not bell.heard(0.2)

    def test_a_subscription_survives_a_restart_of_the_server(self, restartable):
        server, open_on = restartable
        server.start()
        stores = [open_on(), open_on()]
        for store in stores:
            store.start(StandIn(), "default")
        bell = Bell()
        end = stores[0].subscribe(bell.ring)
        row = added(stores[1])
        assert bell.heard()
        server.stop()
        server.start()
        assert bell.heard()  # because something may have been missed
        while bell.heard(0.5):
            pass
        again(lambda: won(stores[1], claim_of(row)))
        again(lambda: added(stores[1], "new"))
        assert bell.heard()
        assert [run.status for run in runs_of(stores[0])] == [RUNNING]
        end()
        for store in stores:
            store.shutdown()

    def test_a_server_that_is_away_is_reported_by_the_clients_own_exception(self, restartable, client_error):
        server, open_on = restartable
        server.start()
        store = open_on()
        store.start(StandIn(), "default")
        row = added(store)
        server.stop()
        with pytest.raises(client_error):
            store.claim("n1", [claim_of(row)])
        server.start()
        again(lambda: won(store, claim_of(row)))
        assert len(runs_of(store)) == 1
        store.shutdown()


def again(act):
    """Do `act` as often as a scheduler would, until the server answers again."""
    for _ in range(30):
        try:
            return act()
        except AssertionError:
            raise
        except Exception:
            threading.Event().wait(0.3)
    return act()
