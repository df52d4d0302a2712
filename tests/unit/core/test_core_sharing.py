"""Which of many due jobs a scheduler takes first."""

import pytest

from apscheduler._core.claims import DueRow, NodeRow
from apscheduler._core.sharing import SHARED_FROM, WHOLE, Share, choose, falls_to, share_of


def rows(count):
    return [DueRow(f"j{n}", float(n), 1000 + n, b"", 0) for n in range(count)]


def node(id, counter=2):
    return NodeRow(id, "host", 1, 0.0, counter)


def test_who_is_alone_takes_all():
    assert share_of("a", []) == share_of("a", [node("a")]) == WHOLE
    assert choose(rows(500), WHOLE, leaves=True) == (rows(500), False, False)


@pytest.mark.parametrize("leaves", [False, True])
@pytest.mark.parametrize("parts", [2, 3, 7])
def test_the_shares_of_nodes_that_know_of_each_other_are_all_rows_and_none_twice(parts, leaves):
    nodes = [node(f"n{n}") for n in range(parts)]
    chosen = [choose(rows(500), share_of(each.id, nodes), leaves) for each in nodes]
    taken = [row for each in chosen for row in each.rows]
    assert sorted(taken, key=lambda row: row.next_run_time) == rows(500)
    assert len(taken) == 500
    assert all(each.left and not each.helping for each in chosen)


def test_a_paused_scheduler_has_no_share():
    assert share_of("a", [node("a"), node("b", counter=3)]) == WHOLE


def test_a_few_rows_are_not_worth_sharing():
    few = rows(SHARED_FROM - 1)
    assert choose(few, Share(0, 2), leaves=False) == (few, False, False)


def test_who_has_done_its_own_share_helps_where_the_others_are_not_yet():
    mine, others = Share(0, 2), [row for row in rows(200) if not falls_to(row, Share(0, 2))]
    assert choose(others, mine, leaves=False) == (others[50:], True, True)


@pytest.mark.parametrize("count", [20, 200])
def test_who_gives_the_others_time_takes_nothing_of_theirs(count):
    mine, all_of_them = Share(0, 2), rows(count)
    own = [row for row in all_of_them if falls_to(row, mine)]
    others = [row for row in all_of_them if not falls_to(row, mine)]
    assert choose(all_of_them, mine, leaves=True) == (own, True, False)
    assert choose(others, mine, leaves=True) == ([], True, False)
