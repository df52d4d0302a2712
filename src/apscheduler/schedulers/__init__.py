"""Schedulers: what binds jobs, stores and executors to a program's main loop."""

from apscheduler.errors import SchedulerAlreadyRunningError, SchedulerNotRunningError

__all__ = ("SchedulerAlreadyRunningError", "SchedulerNotRunningError")
