"""Which nodes are alive."""

from apscheduler._core.claims import NodeRow
from apscheduler._core.leases import Sighting, observe

LEASE = 30.0


def node(id="n", counter=1):
    return NodeRow(id, "host", 1, 0.0, counter)


def test_a_node_that_is_seen_for_the_first_time_is_alive():
    seen, dead = observe({}, [node()], 100.0, LEASE)
    assert (seen, dead) == ({"n": Sighting(1, 100.0, 100.0)}, [])


def test_a_node_whose_counter_grows_is_alive():
    seen, dead = observe({"n": Sighting(1, 0.0, 0.0)}, [node(counter=2)], 1000.0, LEASE)
    assert (seen, dead) == ({"n": Sighting(2, 1000.0, 1000.0)}, [])


def test_a_counter_that_is_another_number_is_a_sign_of_life_also_if_it_is_lower():
    seen, dead = observe({"n": Sighting(5, 0.0, 0.0)}, [node(counter=2)], 1000.0, LEASE)
    assert (seen["n"].at, dead) == (1000.0, [])


def watched(steps, seen=None, nodes=None):
    """Return the ids of the nodes that are dead after looking at them at each of these times."""
    seen, dead = seen or {}, []
    for now in steps:
        seen, dead = observe(seen, nodes or [node()], now, LEASE)
    return [n.id for n in dead]


def test_a_node_is_dead_after_a_whole_lease_without_a_beat():
    assert watched([0, 10, 20, 29.9]) == []
    assert watched([0, 10, 20, 30]) == ["n"]


def test_time_in_which_the_observer_could_not_look_does_not_count():
    """The store did not answer for an hour: all of its nodes are alike silent, and about to beat again."""
    assert watched([0, 10, 3600]) == []
    assert watched([0, 10, 3600, 3604]) == []
    assert watched([0, 10, 3600, 3605]) == ["n"]


def test_an_observer_that_looks_seldom_finds_the_dead_all_the_same():
    assert watched([0, 100, 200]) == ["n"]


def test_a_node_that_has_signed_off_is_forgotten():
    assert observe({"n": Sighting(1, 0.0, 0.0)}, [], 100.0, LEASE) == ({}, [])


def test_nodes_are_judged_one_by_one():
    seen = {"old": Sighting(1, 0.0, 40.0), "live": Sighting(1, 0.0, 40.0)}
    known, dead = observe(seen, [node("old"), node("live", 2), node("new")], 50.0, LEASE)
    assert [n.id for n in dead] == ["old"]
    assert set(known) == {"old", "live", "new"}
