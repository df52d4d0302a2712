"""Between the values of the engine and the rows of the tables: statuses, times, columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from django.utils import timezone

from apscheduler._core.claims import (
    FAILED,
    INTERRUPTED,
    MISSED,
    RUNNING,
    SET_ASIDE,
    SKIPPED,
    SUCCEEDED,
    Claim,
    Finish,
    NewRun,
    RunKey,
    StoredRun,
)
from apscheduler.jobstores._text import storable_text
from django_apscheduler.models import DjangoJobExecution
from django_apscheduler.util import get_django_internal_datetime

T = TypeVar("T")

# Of ids in one statement: the oldest SQLite that can be met takes 999 parameters.
CHUNK = 500

_LABELS = {
    RUNNING: DjangoJobExecution.SENT,
    SUCCEEDED: DjangoJobExecution.SUCCESS,
    FAILED: DjangoJobExecution.ERROR,
    MISSED: DjangoJobExecution.MISSED,
    SKIPPED: DjangoJobExecution.SKIPPED,
    INTERRUPTED: DjangoJobExecution.INTERRUPTED,
    SET_ASIDE: DjangoJobExecution.SET_ASIDE,
}
_STATUSES = {label: status for status, label in _LABELS.items()} | {DjangoJobExecution.MAX_INSTANCES: SKIPPED}
MAX_INSTANCES = "max_instances"
"""The reason of the engine for a run that was skipped because others of its job had not ended."""

# What a date column of every database can hold.
_EARLIEST = datetime(1000, 1, 2, tzinfo=UTC)
_LATEST = datetime(9999, 12, 30, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CENT = Decimal("0.01")

RUN_COLUMNS = (
    "id",
    "job_id",
    "revision",
    "run_stamp",
    "attempt",
    "status",
    "node",
    "reason",
    "started_stamp",
    "finished_stamp",
    "exception",
    "traceback",
    "result",
)
"""The columns of executions in the order of `StoredRun`."""
OUTCOME_COLUMNS = (
    "status",
    "started_stamp",
    "finished_stamp",
    "duration",
    "finished",
    "reason",
    "exception",
    "traceback",
    "result",
    "rerun_state",
)


def label_of(status: str, reason: str | None) -> str:
    """Return the status that is stored, as existing projects query it."""
    if status == SKIPPED and reason is not None and reason.startswith(MAX_INSTANCES):
        return DjangoJobExecution.MAX_INSTANCES
    return _LABELS[status]


def labels_of(statuses: Sequence[str]) -> list[str]:
    """Return all stored statuses that mean one of `statuses`."""
    return [label for label, status in _STATUSES.items() if status in statuses]


def status_of(label: str) -> str:
    """Return what a stored status means; one that nobody here has written says that something ended it."""
    return _STATUSES.get(label, INTERRUPTED)


def date_or_none(stamp: float | None) -> datetime | None:
    """Return a time for a date column that may be empty."""
    return None if stamp is None else date_of(stamp)


def date_of(stamp: float) -> datetime:
    """Return a time for a date column, near its limits where it is beyond them."""
    try:
        time = _EPOCH + timedelta(microseconds=round(stamp * 1_000_000))
    except OverflowError:
        time = _EARLIEST if stamp < 0 else _LATEST
    return get_django_internal_datetime(min(max(time, _EARLIEST), _LATEST).astimezone(_zone(time)))


def _zone(time: datetime) -> Any:
    return timezone.get_default_timezone() if _EARLIEST < time < _LATEST else UTC


def new_executions(node: str, claims: Sequence[Claim], now: float) -> list[DjangoJobExecution]:
    """Return the records that claims write."""
    return [_new_execution(node, claim, run, now) for claim in claims for run in claim.runs]


def _new_execution(node: str, claim: Claim, run: NewRun, now: float) -> DjangoJobExecution:
    running = run.status == RUNNING
    return DjangoJobExecution(
        job_id=claim.job_id,
        revision=claim.revision,
        run_stamp=run.run_time,
        run_time=date_of(run.run_time),
        attempt=claim.attempt,
        status=label_of(run.status, run.reason),
        node=node,
        reason=storable_text(run.reason),
        finished_stamp=None if running else now,
        finished=None if running else seconds(now),
        rerun_state=claim.rerun if running else None,
    )


def key_columns(key: RunKey) -> dict[str, Any]:
    """Return the columns that a record is found by."""
    return {
        "job_id": key.job_id,
        "run_stamp": key.run_time,
        "revision": key.revision,
        "attempt": key.attempt,
    }


def outcome_columns(outcome: Finish) -> dict[str, Any]:
    """Return the columns that an outcome sets; that of a repetition is dropped unless the run was cut off."""
    values: dict[str, Any] = {
        "status": label_of(outcome.status, outcome.reason),
        "started_stamp": outcome.started,
        "finished_stamp": outcome.finished,
        "duration": None if outcome.started is None else seconds(outcome.finished - outcome.started),
        "finished": seconds(outcome.finished),
        "reason": storable_text(outcome.reason),
        "exception": storable_text(outcome.error),
        "traceback": storable_text(outcome.traceback),
        "result": outcome.result,
    }
    if outcome.status != INTERRUPTED:
        values["rerun_state"] = None
    return values


def stored_run(row: Sequence[Any]) -> StoredRun:
    """Return what a row of `RUN_COLUMNS` says."""
    run = StoredRun(*row)
    result = None if run.result is None else bytes(run.result)
    return run._replace(status=status_of(run.status), result=result)


def seconds(value: float) -> Decimal:
    """Return a number of seconds with two digits, as the columns of django-apscheduler have it."""
    return Decimal(repr(value)).quantize(_CENT)


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Yield `items` in parts of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
