"""Ask this project the recorded questions and say how an answer that differs is to be explained.

The classes are those of docs/explanation/fire-times.md, each with a test of its own that the answer must pass: a
difference is accepted because of what it is, not because of where it is.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import trigger_specs as specs

from apscheduler.errors import TriggerSearchError

RECORDED = Path(__file__).with_name("recorded.json.gz")


@dataclass(frozen=True)
class Question:
    """One question with its recorded answer: a time, None, 'hang' or the name of an error."""

    spec: list[Any]
    zone: tzinfo
    previous: datetime | None
    now: datetime
    recorded: datetime | str | None


def load(path: Path = RECORDED) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return data


def questions(case: dict[str, Any]) -> Iterator[Question]:
    zone = specs.zone_of(case["zone"])
    last, answer = 0, None
    for given, ahead, recorded in case["asked"]:
        if given:
            previous = specs.from_micros(last + given, zone)
        else:
            previous = answer if isinstance(answer, datetime) else None
        last += ahead
        now = specs.from_micros(last, zone)
        if isinstance(recorded, int):
            last += recorded
            answer = specs.from_micros(last, zone)
        else:
            answer = recorded
        yield Question(case["trigger"], zone, previous, now, answer)


def ask(trigger: Any, question: Question) -> datetime | str | None:
    try:
        answer = trigger.get_next_fire_time(question.previous, question.now)
    except TriggerSearchError as exc:
        return type(exc).__name__
    assert answer is None or isinstance(answer, datetime)
    return answer


def explain(question: Question, answer: datetime | str | None) -> str | None:
    """Return the class of difference, an empty text where there is none, None where there is no explanation."""
    recorded = question.recorded
    if answer == recorded or (
        isinstance(answer, datetime)
        and isinstance(recorded, datetime)
        and specs.to_micros(answer) == specs.to_micros(recorded)
    ):
        return ""
    for name, applies in DIFFERENCES.items():
        if applies(question, answer):
            return name
    return None


def _later(one: datetime, other: datetime) -> bool:
    return specs.to_micros(one) > specs.to_micros(other)


def _is_later_than_asked(question: Question, answer: datetime | str | None) -> bool:
    if not isinstance(answer, datetime):
        return True
    if question.previous is not None:
        return _later(answer, question.previous)
    return not _later(question.now, answer)


def never_ends(question: Question, answer: datetime | str | None) -> bool:
    """3.x does not answer; ours does, with a later time, None or an error that says why."""
    return question.recorded == "hang" and _is_later_than_asked(question, answer)


def goes_back(question: Question, answer: datetime | str | None) -> bool:
    """3.x answers with an instant that is not after the one before, or is before `now`; ours is later."""
    recorded = question.recorded
    return (
        isinstance(recorded, datetime)
        and not _is_later_than_asked(question, recorded)
        and _is_later_than_asked(question, answer)
    )


def jumps_over(question: Question, answer: datetime | str | None) -> bool:
    """3.x misses a match after the clock is set forward; ours is an earlier time that matches."""
    recorded = question.recorded
    if not isinstance(answer, datetime) or not _is_later_than_asked(question, answer):
        return False
    if isinstance(recorded, datetime) and not _later(recorded, answer):
        return False
    begin = question.previous or question.now
    return _is_set_forward_between(begin, answer) and _fires_at(question.spec, answer)


def is_no_match(question: Question, answer: datetime | str | None) -> bool:
    """3.x answers with a time that the fields do not match, just after the clock is set back; ours does match."""
    recorded = question.recorded
    return (
        isinstance(recorded, datetime)
        and isinstance(answer, datetime)
        and _is_later_than_asked(question, answer)
        and _fires_at(question.spec, answer)
        and not _fires_at(question.spec, recorded)
    )


DIFFERENCES = {
    "never-ends": never_ends,
    "goes-back": goes_back,
    "jumps-over": jumps_over,
    "no-match": is_no_match,
}


def _is_set_forward_between(begin: datetime, end: datetime) -> bool:
    moment = begin.astimezone(specs.UTC)
    zone = begin.tzinfo
    before = moment.astimezone(zone).utcoffset()
    while moment <= end:
        moment += timedelta(hours=12)
        after = moment.astimezone(zone).utcoffset()
        if after > before:
            return True
        before = after
    return False


def _fires_at(spec: list[Any], moment: datetime) -> bool:
    """Return whether a cron trigger, or a cron child of another, matches the wall time."""
    if spec[0] == "cron":
        return specs.is_wall_match(spec[1], moment)
    return len(spec) > 2 and any(_fires_at(child, moment) for child in spec[2])
