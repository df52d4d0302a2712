"""The error tree: its bases, its texts, and where 3.x had them."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from apscheduler import errors
from apscheduler.errors import (
    APSchedulerError,
    ConflictingIdError,
    JobLookupError,
    MaxInstancesReachedError,
    SchedulerAlreadyRunningError,
    SchedulerNotRunningError,
    TransientJobError,
    TriggerStuckError,
)

CLASSES = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, Exception)]


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_is_an_apscheduler_error_and_is_drawn_in_the_tree(cls):
    assert issubclass(cls, APSchedulerError)
    assert cls.__name__ in errors.__doc__
    assert cls.__doc__


@pytest.mark.parametrize(
    ("cls", "base"),
    [
        (JobLookupError, KeyError),
        (ConflictingIdError, KeyError),
        (TransientJobError, ValueError),
        (errors.JobSerializationError, TypeError),
        (errors.TriggerSearchError, ValueError),
        (TriggerStuckError, RuntimeError),
    ],
)
def test_errors_have_the_built_in_bases_that_callers_catch(cls, base):
    assert issubclass(cls, base)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (JobLookupError("j"), "No job by the id of j was found"),
        (ConflictingIdError("j"), "Job identifier (j) conflicts with an existing job"),
        (
            TransientJobError("j"),
            "Job (j) cannot be added to this job store because a reference to the callable",
        ),
        (
            MaxInstancesReachedError(SimpleNamespace(max_instances=3)),
            "has already reached its maximum number of instances (3)",
        ),
        (SchedulerAlreadyRunningError(), "Scheduler is already running"),
        (SchedulerNotRunningError(), "Scheduler is not running"),
        (
            TriggerStuckError("t", datetime(2030, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)),
            "must return a later time",
        ),
    ],
)
def test_errors_say_what_which_and_what_to_do(error, text):
    assert text in str(error)
    assert not str(error).startswith("'")


def test_the_paths_of_3x_lead_to_the_same_classes():
    from apscheduler.executors import base as executors
    from apscheduler.jobstores import base as jobstores
    from apscheduler.schedulers import base as schedulers

    assert jobstores.JobLookupError is JobLookupError
    assert jobstores.ConflictingIdError is ConflictingIdError
    assert jobstores.TransientJobError is TransientJobError
    assert executors.MaxInstancesReachedError is MaxInstancesReachedError
    assert schedulers.SchedulerAlreadyRunningError is SchedulerAlreadyRunningError
    assert schedulers.SchedulerNotRunningError is SchedulerNotRunningError


@pytest.mark.parametrize(
    "error",
    [
        SchedulerNotRunningError(),
        errors.JobUnreadableError("gone"),
        JobLookupError("j"),
        TransientJobError("j"),
        MaxInstancesReachedError(SimpleNamespace(max_instances=3)),
        TriggerStuckError("t", datetime(2030, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)),
    ],
)
def test_errors_travel_between_processes(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
