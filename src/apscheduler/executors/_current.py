"""Which submission the calling code belongs to: so that a run which waits for all runs does not wait for itself.

A context variable, because a coroutine shares its thread with others, and because `asyncio.to_thread()` takes it along.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apscheduler.executors.base import Submission

current: ContextVar[Submission | None] = ContextVar("apscheduler_submission", default=None)
"""What a job's function is called for, while it is called; it may be left behind in what the job has started."""
