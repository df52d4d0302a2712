"""Fire times are those that 3.11.3 was recorded to answer, except where it is wrong around a clock change.

See trigger_replay.py for the classes of differences, and docs/explanation/fire-times.md for what each means to a user.
"""

from collections import Counter
from functools import cache

import pytest
import trigger_replay as replay
import trigger_specs as specs

PARTS = 14

# How many of the recorded questions may be answered differently, by class: a change that moves one of these numbers
# up has changed fire times and needs a reason in docs/explanation/fire-times.md.
MOST = {
    "never-ends": 99,
    "goes-back": 8,
    "jumps-over": 145,
    "no-match": 0,
}


@cache
def recorded():
    return replay.load()


@cache
def same_zones():
    """The zones whose data on this computer is that of the recording: answers in another cannot be compared."""
    return {name for name, mark in recorded()["zones"].items() if specs.fingerprint(name) == mark}


@cache
def answers(part):
    """Return the explanation of each answer of a part of the cases, and those that have none."""
    counts, unexplained = Counter(), []
    for case in recorded()["cases"][part::PARTS]:
        if case["zone"] not in same_zones():
            continue
        trigger = specs.build(case["trigger"])
        for question in replay.questions(case):
            answer = replay.ask(trigger, question)
            explanation = replay.explain(question, answer)
            counts[explanation] += 1
            if explanation is None:
                unexplained.append((question, answer))
    return counts, unexplained


def test_the_recording_is_of_3_11_3_and_large_enough():
    assert recorded()["release"] == "3.11.3"
    assert len(recorded()["cases"]) >= 5000
    assert {case["trigger"][0] for case in recorded()["cases"]} == {
        "cron",
        "interval",
        "calendarinterval",
        "date",
        "and",
        "or",
    }


def test_the_time_zone_data_is_mostly_that_of_the_recording():
    assert "UTC" in same_zones()
    assert len(same_zones()) >= len(specs.ZONES) // 2


@pytest.mark.timeout(120)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_answer_is_the_recorded_one_or_has_an_explanation(part):
    _, unexplained = answers(part)
    assert unexplained == []


@pytest.mark.timeout(120)
@pytest.mark.parametrize("part", range(PARTS))
def test_answers_are_in_the_time_zone_and_of_the_type_that_was_recorded(part):
    for case in recorded()["cases"][part::PARTS]:
        if case["tz"] is None or case["zone"] not in same_zones():
            continue
        question = next(
            question for question in replay.questions(case) if hasattr(question.recorded, "tzinfo")
        )
        answer = replay.ask(specs.build(case["trigger"]), question)
        assert specs.describe_zone(answer.tzinfo) == case["tz"], case


@pytest.mark.timeout(300)
def test_differences_are_few_and_of_the_known_classes():
    total = sum((answers(part)[0] for part in range(PARTS)), Counter())
    different = {name: count for name, count in total.items() if name}
    print(different, "of", sum(total.values()))  # noqa: T201 - shown where the test fails
    assert {name: count for name, count in different.items() if count > MOST.get(name, 0)} == {}
