"""Executors by name: jobs that compute go to a pool of processes, the others to threads."""

import os
import threading

from apscheduler.events import EVENT_JOB_EXECUTED
from apscheduler.executors.pool import ProcessPoolExecutor, ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler


def sum_of_squares(limit: int) -> tuple[int, int]:
    return os.getpid(), sum(number * number for number in range(limit))


if __name__ == "__main__":  # worker processes import this file, and must not start a scheduler of their own
    executors = {"default": ThreadPoolExecutor(5), "processpool": ProcessPoolExecutor(2)}
    scheduler = BackgroundScheduler(executors=executors)
    arrived = threading.Semaphore(0)
    scheduler.add_listener(lambda event: arrived.release(), EVENT_JOB_EXECUTED)
    scheduler.start()
    scheduler.add_job(sum_of_squares, args=[100_000], id="here", misfire_grace_time=None)
    scheduler.add_job(
        sum_of_squares, args=[100_000], id="there", executor="processpool", misfire_grace_time=None
    )
    for _ in range(2):
        arrived.acquire(timeout=20)
    for run in scheduler.get_runs():
        pid, total = run.result
        where = "this process" if pid == os.getpid() else "another process"
        print(f"{run.job_id}: {total} computed in {where}")
    scheduler.shutdown()
