"""Running submissions in other processes, from a thread that waits for each."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable

from apscheduler.executors._parcel import pack, unpack
from apscheduler.executors._run import Time, failed, log_start
from apscheduler.executors.base import Report, Submission


def run_elsewhere(
    ask: Callable[[bytes], bytes], submission: Submission, time: Time, report: Report, logger: logging.Logger
) -> None:
    """Have a submission performed by `ask`, and report what became of its run times; what `ask` raises is a failure.

    The start is logged when the submission is handed over: what the other process logs goes its own way.
    """
    handed_over = None
    try:
        payload = pack(submission)
        handed_over = time()
        for index in range(len(submission.stamps)):
            log_start(submission, index, logger)
        outcomes = list(unpack(submission, pickle.loads(ask(payload)), logger))
    except Exception as exc:
        now = time()
        outcomes = [failed(index, handed_over, now, exc) for index in range(len(submission.stamps))]
    for outcome in outcomes:
        report(submission, outcome)
