"""Which nodes are alive."""

from apscheduler._core.claims import NodeRow
from apscheduler._core.leases import Sighting, observe

LEASE = 30.0


def node(id="n", counter=1):
    return NodeRow(id, "host", 1, 0.0, counter)


def test_a_node_that_is_seen_for_the_first_time_is_alive():
    seen, dead = observe({}, [node()], 100.0, LEASE)
    assert (seen, dead) == ({"n": Sighting(1, 100.0)}, [])


def test_a_node_whose_counter_grows_is_alive():
    seen, dead = observe({"n": Sighting(1, 0.0)}, [node(counter=2)], 1000.0, LEASE)
    assert (seen, dead) == ({"n": Sighting(2, 1000.0)}, [])


def test_a_counter_that_is_another_number_is_a_sign_of_life_also_if_it_is_lower():
    seen, dead = observe({"n": Sighting(5, 0.0)}, [node(counter=2)], 1000.0, LEASE)
    assert (seen["n"].at, dead) == (1000.0, [])


def test_a_node_is_dead_after_a_whole_lease_without_a_beat():
    seen = {"n": Sighting(1, 100.0)}
    assert observe(seen, [node()], 129.9, LEASE) == (seen, [])
    assert observe(seen, [node()], 130.0, LEASE) == (seen, [node()])


def test_a_node_that_has_signed_off_is_forgotten():
    assert observe({"n": Sighting(1, 0.0)}, [], 100.0, LEASE) == ({}, [])


def test_nodes_are_judged_one_by_one():
    seen = {"old": Sighting(1, 0.0), "live": Sighting(1, 0.0)}
    known, dead = observe(seen, [node("old"), node("live", 2), node("new")], 50.0, LEASE)
    assert [n.id for n in dead] == ["old"]
    assert set(known) == {"old", "live", "new"}
