"""The values that pass between the engine and a job store."""

from apscheduler._core import claims
from apscheduler._core.claims import STATUSES, Claim, NewRun, RunKey, RunQuery


def test_every_status_is_named_once():
    assert len(set(STATUSES)) == 7
    assert {getattr(claims, name.upper()) for name in STATUSES} == set(STATUSES)


def test_a_run_that_is_claimed_is_running_unless_said_otherwise():
    assert NewRun(1.0) == (1.0, "running", None)


def test_the_first_attempt_is_number_one():
    assert Claim("j", 1, None, []).attempt == RunKey("j", 1, 0.0).attempt == 1


def test_a_query_without_words_asks_for_the_newest_hundred():
    assert RunQuery() == (None, None, None, None, 100)
