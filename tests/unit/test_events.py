"""Event codes and classes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apscheduler import events
from apscheduler.events import (
    EVENT_ALL,
    EVENT_JOB_INTERRUPTED,
    EVENT_JOB_SET_ASIDE,
    JobEvent,
    JobExecutionEvent,
    JobInterruptedEvent,
    JobSetAsideEvent,
    JobSubmissionEvent,
    SchedulerEvent,
)

CODES = {
    name: value for name, value in vars(events).items() if name.startswith("EVENT_") and name != "EVENT_ALL"
}
TIME = datetime(2030, 1, 1, tzinfo=UTC)


def test_every_code_is_a_bit_of_its_own():
    values = {name: value for name, value in CODES.items() if name != "EVENT_SCHEDULER_START"}
    assert sorted(values.values()) == [1 << bit for bit in range(len(values))]


def test_all_means_all_that_3x_knows():
    assert sum({value for value in CODES.values() if value & EVENT_ALL}) == EVENT_ALL
    assert not EVENT_ALL & (EVENT_JOB_INTERRUPTED | EVENT_JOB_SET_ASIDE)


@pytest.mark.parametrize(
    ("event", "attributes"),
    [
        (SchedulerEvent(16, "a"), {"code": 16, "alias": "a"}),
        (JobEvent(512, "j", "default"), {"code": 512, "alias": None, "job_id": "j", "jobstore": "default"}),
        (
            JobSubmissionEvent(32768, "j", "default", [TIME]),
            {
                "code": 32768,
                "alias": None,
                "job_id": "j",
                "jobstore": "default",
                "scheduled_run_times": [TIME],
            },
        ),
        (
            JobExecutionEvent(4096, "j", "default", TIME),
            {
                "code": 4096,
                "alias": None,
                "job_id": "j",
                "jobstore": "default",
                "scheduled_run_time": TIME,
                "retval": None,
                "exception": None,
                "traceback": None,
            },
        ),
        (
            JobInterruptedEvent(1 << 17, "j", "default", TIME, "n"),
            {
                "code": 1 << 17,
                "alias": None,
                "job_id": "j",
                "jobstore": "default",
                "scheduled_run_time": TIME,
                "node": "n",
            },
        ),
        (
            JobSetAsideEvent(1 << 18, "j", "default", "why"),
            {"code": 1 << 18, "alias": None, "job_id": "j", "jobstore": "default", "reason": "why"},
        ),
    ],
)
def test_events_carry_what_they_tell(event, attributes):
    assert vars(event) == attributes
    assert repr(event) == f"<{type(event).__name__} (code={event.code})>"
