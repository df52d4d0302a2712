"""What a job store promises about nodes: who is there, and that the runs of a lost one pass to one other."""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING

from apscheduler._core.claims import INTERRUPTED, RUNNING, NewRun, NodeRow, RunQuery
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
    won,
)

if TYPE_CHECKING:
    from apscheduler.jobstores.base import ClaimingJobStore

NODE = NodeRow("n1", "host.example", 4711, NOW, 1)


class NodesContract(StoreTests):
    """Nodes."""

    def test_a_heartbeat_shows_a_node_to_all_others(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        first.heartbeat(NODE)
        assert list(second.read_nodes()) == [NODE]

    def test_a_later_heartbeat_sets_the_counter(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        first.heartbeat(NODE)
        first.heartbeat(NODE._replace(counter=2))
        first.heartbeat(NODE._replace(counter=2))
        assert list(second.read_nodes()) == [NODE._replace(counter=2)]

    def test_each_node_has_a_row_of_its_own(self, store: ClaimingJobStore) -> None:
        others = [NODE._replace(id=f"n{n}", pid=n, started=NOW + n) for n in range(2, 5)]
        for node in (NODE, *others):
            store.heartbeat(node)
        assert sorted(store.read_nodes()) == [NODE, *others]

    def test_heartbeats_of_one_node_at_the_same_time_leave_one_row(self, nodes: OpenNodes) -> None:
        race(nodes(4), lambda node: node.heartbeat(NODE))
        assert list(nodes(1)[0].read_nodes()) == [NODE]

    # -- take-over -------------------------------------------------------------------------------------------

    def test_taking_over_a_node_interrupts_its_runs_and_removes_it(self, nodes: OpenNodes) -> None:
        lost, other = nodes(2)
        lost.heartbeat(NODE)
        (key,) = won(lost, claim_of(added(lost)), "n1")
        (taken,) = other.take_over("n1", LATER, "the lease ended")
        assert (taken[1:5], taken.status, taken.node) == (key, INTERRUPTED, "n1")
        assert (taken.finished, taken.reason, taken.started) == (LATER, "the lease ended", None)
        assert list(runs_of(other)) == [taken]
        assert list(other.read_nodes()) == []

    def test_taking_over_a_node_leaves_finished_runs_and_those_of_others(
        self, store: ClaimingJobStore
    ) -> None:
        store.heartbeat(NODE)
        store.heartbeat(NODE._replace(id="n2"))
        store.finish([done(key) for key in won(store, claim_of(added(store, "finished")), "n1")])
        won(store, claim_of(added(store, "other")), "n2")
        before = store.read_runs(_all())
        assert list(store.take_over("n1", LATER, "gone")) == []
        assert store.read_runs(_all()) == before
        assert [node.id for node in store.read_nodes()] == ["n2"]

    def test_each_interrupted_run_is_returned_to_exactly_one_of_several_callers(
        self, nodes: OpenNodes
    ) -> None:
        racers = nodes(4)
        racers[0].heartbeat(NODE)
        racers[0].insert_jobs([row_of(racers[0], f"j{n:02}") for n in range(20)])
        claims = [claim_of(row) for row in racers[0].read_due(NOW, 20).rows]
        assert len(racers[0].claim("n1", claims)) == 20
        taken = race(racers, lambda node: [run.job_id for run in node.take_over("n1", LATER, "gone")])
        assert sorted(functools.reduce(operator.iadd, taken, [])) == [f"j{n:02}" for n in range(20)]

    def test_a_node_signs_off_by_taking_over_itself(self, store: ClaimingJobStore) -> None:
        store.heartbeat(NODE)
        keys = won(store, claim_of(added(store), runs=[NewRun(NOW - 1), NewRun(NOW)]), "n1")
        store.finish([done(keys[0])])
        assert [run.run_time for run in store.take_over("n1", LATER, "shut down")] == [NOW]
        assert list(store.read_nodes()) == []
        assert list(store.take_over("n1", LATER, "shut down")) == []

    def test_taking_over_an_unknown_node_is_nothing(self, store: ClaimingJobStore) -> None:
        won(store, claim_of(added(store)), "n1")
        assert list(store.take_over("nobody", LATER, "gone")) == []
        assert [run.status for run in runs_of(store)] == [RUNNING]

    def test_the_runs_of_a_node_that_never_showed_itself_can_be_taken_over(
        self, store: ClaimingJobStore
    ) -> None:
        won(store, claim_of(added(store), then=None), "n1")
        assert len(store.take_over("n1", LATER, "gone")) == 1

    def test_a_node_that_was_taken_over_shows_again_with_its_next_heartbeat(self, nodes: OpenNodes) -> None:
        slow, other = nodes(2)
        slow.heartbeat(NODE)
        other.take_over("n1", LATER, "gone")
        slow.heartbeat(NODE._replace(counter=9))
        assert list(other.read_nodes()) == [NODE._replace(counter=9)]


def _all() -> RunQuery:
    return RunQuery(limit=None)
