"""When it is said that a job cannot be run here, and when it is tried again."""

from apscheduler._core.aside import LEFT_TO_OTHERS, LONGEST_DELAY, set_aside

ALONE, AMONG_OTHERS = 0, 1


def tries(others, seconds, changes=None):
    """Return when a job that stays broken is tried, and at which of these times that is said."""
    now, known, tried, said = 0.0, None, [], []
    while now < seconds:
        reason, revision = (changes or {}).get(now, ("gone", 1))
        known, say = set_aside(known, revision, reason, now, others)
        tried.append(now)
        said += [now] if say else []
        now = known.again_at
    return tried, said


def test_who_is_alone_says_it_at_once_and_tries_less_and_less_often():
    tried, said = tries(ALONE, 2000)
    assert said == [0.0]
    assert tried[:5] == [0, 1, 3, 7, 15]
    assert tried[-1] - tried[-2] == LONGEST_DELAY


def test_who_is_not_alone_leaves_it_to_the_others_before_it_says_so_once():
    tried, said = tries(AMONG_OTHERS, 100)
    assert said == [LEFT_TO_OTHERS]
    assert tried[:5] == [0, 1, 2, 2.5, 3.5]


def test_a_run_time_that_others_have_used_begins_the_waiting_anew():
    known, _ = set_aside(None, 1, "gone", 0.0, AMONG_OTHERS)
    known, say = set_aside(known, 2, "gone", 100.0, AMONG_OTHERS)
    assert not say
    assert not known.said


def test_another_reason_is_said_but_does_not_begin_the_waiting_anew():
    assert tries(AMONG_OTHERS, 10, {3.5: ("broken", 1)})[1] == [2.5, 3.5, 4.5]
    assert tries(AMONG_OTHERS, 10, {1.0: ("broken", 1)})[1] == [2.5]


def test_who_is_left_alone_says_it_with_the_next_try():
    known, _ = set_aside(None, 1, "gone", 0.0, AMONG_OTHERS)
    assert set_aside(known, 1, "gone", 1.0, ALONE)[1]


def test_what_was_said_is_not_said_again_when_others_come():
    known, _ = set_aside(None, 1, "gone", 0.0, ALONE)
    assert not set_aside(known, 1, "gone", 1.0, AMONG_OTHERS)[1]
