"""A scheduler of one page: what the real one must agree with.

Times are whole seconds since the start of the test. Jobs fire at `start + k * step`; one without a step fires once.
"""

from __future__ import annotations

from dataclasses import dataclass

MOST_COALESCED = 100  # those before them share the record of the first


@dataclass
class ModelJob:
    start: int
    step: int | None
    due: int | None
    value: int
    coalesce: bool
    grace: int | None

    def first_from(self, now: int) -> int:
        if self.step is None or now <= self.start:
            return self.start
        return self.start - (self.start - now) // self.step * self.step


class Model:
    def __init__(self) -> None:
        self.now = 0
        self.jobs: dict[str, ModelJob] = {}
        self.ran: list[tuple[int, int]] = []
        self.records: list[tuple[str, int, str]] = []

    def add(self, job_id: str, step: int, value: int, coalesce: bool, grace: int | None, once: bool) -> None:
        start = self.now + step
        self.jobs[job_id] = ModelJob(start, None if once else step, start, value, coalesce, grace)

    def remove(self, job_id: str) -> None:
        del self.jobs[job_id]

    def pause(self, job_id: str) -> None:
        self.jobs[job_id].due = None

    def resume(self, job_id: str) -> None:
        job = self.jobs[job_id]
        job.due = job.first_from(self.now)

    def modify(self, job_id: str, value: int) -> None:
        self.jobs[job_id].value = value

    def reschedule(self, job_id: str, step: int) -> None:
        job = self.jobs[job_id]
        job.start, job.step, job.due = self.now + step, step, self.now + step

    def change_step(self, job_id: str, step: int) -> None:
        job = self.jobs[job_id]
        if self.now < job.start <= self.now + job.step:  # it has not begun: it begins anew
            job.start = self.now + step
        job.step = step
        job.due = None if job.due is None else job.first_from(self.now)

    def turn(self) -> None:
        for job_id, job in list(self.jobs.items()):
            times = []
            while job.due is not None and job.due <= self.now:
                times.append(job.due)
                job.due = None if job.step is None else job.due + job.step
            if job.coalesce:
                skipped, times = times[:-1][-MOST_COALESCED:], times[-1:]
                self.records += [(job_id, time, "skipped") for time in skipped]
            for time in times:
                late = job.grace is not None and self.now - time > job.grace
                self.records.append((job_id, time, "missed" if late else "succeeded"))
                if not late:
                    self.ran.append((self.now, job.value))
            if times and job.step is None:
                self.remove(job_id)
