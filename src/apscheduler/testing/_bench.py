"""What an executor is tested on: a stand-in for the scheduler, and a collector of what the executor reports."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from apscheduler._clock import SYSTEM, Clock
from apscheduler.executors.base import BaseExecutor, Outcome, Submission
from apscheduler.job import Job
from apscheduler.testing._jobs import PATIENCE
from apscheduler.triggers.date import DateTrigger


class StandIn:
    """What an executor may ask of its scheduler: a clock, locks, an event loop, a time zone."""

    def __init__(self, clock: Clock, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.clock = clock
        self.timezone = UTC
        self._eventloop = loop

    def _create_lock(self) -> Any:
        return threading.RLock()


class LoopThread:
    """An event loop that runs in a thread of its own until it is stopped."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="loop")
        self.thread.start()

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call `function` on the loop's thread and return what it returns."""

        async def wrapper() -> Any:
            return function(*args)

        return asyncio.run_coroutine_threadsafe(wrapper(), self.loop).result(PATIENCE)

    def stop(self) -> set[asyncio.Task[Any]]:
        """Stop and close the loop; return the tasks that had not ended after a few turns of it."""

        async def rest() -> set[asyncio.Task[Any]]:
            for _ in range(10):
                await asyncio.sleep(0)
            await self.loop.shutdown_default_executor()
            return asyncio.all_tasks() - {asyncio.current_task()}

        left = asyncio.run_coroutine_threadsafe(rest(), self.loop).result(PATIENCE)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(PATIENCE)
        self.loop.close()
        return left


class Bench:
    """One executor, started, and what it has reported.

    With a `clock` of its own the executor is told what time it is; without one it reads the system's.
    """

    def __init__(
        self, executor: BaseExecutor, clock: Clock = SYSTEM, loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        self.executor = executor
        self.clock = clock
        self.stand_in = StandIn(clock, loop)
        self.reports: list[tuple[Submission, Outcome]] = []
        self._changed = threading.Condition()
        executor.start(self.stand_in, "default")

    def submission(
        self,
        func: Callable[..., Any],
        *args: Any,
        late: Sequence[float] = (0.0,),
        grace: int | None = None,
        id: str = "job",
        **kwargs: Any,
    ) -> Submission:
        """Return a submission of `func` with one run time for each number of seconds in `late`."""
        now = self.clock.time()
        stamps = [now - seconds for seconds in late]
        run_times = [datetime.fromtimestamp(stamp, UTC) for stamp in stamps]
        job = Job(
            self.stand_in,  # type: ignore[arg-type]
            id=id,
            func=func,
            args=args,
            kwargs=kwargs,
            trigger=DateTrigger(run_times[-1], UTC),
            executor="default",
            name=id,
            misfire_grace_time=grace,
            coalesce=False,
            max_instances=1,
            next_run_time=None,
        )
        job._jobstore_alias = "default"
        return Submission(job, "default", run_times, stamps, revision=1)

    def report(self, submission: Submission, outcome: Outcome) -> None:
        """Take a report, from any thread."""
        with self._changed:
            self.reports.append((submission, outcome))
            submission.left -= 1
            self._changed.notify_all()

    def submit(self, *submissions: Submission) -> None:
        """Hand `submissions` to the executor."""
        self.executor.submit(submissions, self.report)

    def run(self, func: Callable[..., Any], *args: Any, **options: Any) -> Outcome:
        """Run one submission of one run time and return what became of it."""
        submission = self.submission(func, *args, **options)
        self.submit(submission)
        return self.outcomes(submission)[0]

    def outcomes(self, submission: Submission) -> list[Outcome]:
        """Wait until all run times of `submission` are reported; return the reports, in the order they came."""
        self.wait(submission)
        with self._changed:
            return [outcome for each, outcome in self.reports if each is submission]

    def wait(self, *submissions: Submission) -> None:
        """Wait until all `submissions` are reported."""
        with self._changed:
            for submission in submissions:
                assert self._changed.wait_for(lambda one=submission: one.left <= 0, PATIENCE), (  # type: ignore[misc]
                    f"{submission} is not reported; {len(self.reports)} reports came"
                )

    def each_once(self, *submissions: Submission) -> bool:
        """Return whether each run time of `submissions` has exactly one report by now, and no other has any."""
        with self._changed:
            seen = Counter((id(submission), outcome.index) for submission, outcome in self.reports)
        expected = {(id(each), index) for each in submissions for index in range(len(each.stamps))}
        return set(seen) == expected and set(seen.values()) <= {1}
