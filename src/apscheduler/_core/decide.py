"""What becomes of a job whose run time has come.

`decide()` answers with a `Decision`: the claim to make and, where it is won, the run times to submit.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol

from apscheduler._core.claims import RUNNING, SKIPPED, Claim, DueRow, NewRun, made
from apscheduler._core.firing import Plan, Trigger, next_after, plan
from apscheduler._core.limits import MAX_INSTANCES, RERUN, Limits, has_room


class Decidable(Protocol):
    """What is asked of a job here."""

    @property
    def trigger(self) -> Trigger:
        """When it fires."""

    limits: Limits


class Decision(NamedTuple):
    """A claim, and the run times that are submitted if it is won (none where there is no room).

    `skipped` are run times that are not submitted because the job has no room.
    """

    claim: Claim
    times: tuple[datetime, ...]
    stamps: tuple[float, ...]
    skipped: tuple[datetime, ...] = ()


def decide(row: DueRow, job: Decidable, due: datetime, now: datetime, now_stamp: float) -> Decision:
    """Decide on `row`, whose next run time `due` has come at `now`.

    Whether a run is too late is not decided here: the executor judges that when it starts the run, as in 3.x.
    Whatever the trigger raises goes through to the caller.
    """
    job_id, stamp, revision, definition, live = row
    _, _, coalesce, max_instances, on_crash = job.limits
    rerun = definition if on_crash == RERUN else None
    then, then_stamp = after = next_after(job.trigger, due, stamp, now)
    room = has_room(live, max_instances)
    if room and (then_stamp is None or then_stamp > now_stamp):  # as nearly always
        runs = [made(NewRun, (stamp, RUNNING, None))]
        claim = made(Claim, (job_id, revision, then_stamp, runs, None, 1, then, rerun))
        return made(Decision, (claim, (due,), (stamp,), ()))
    p = plan(job.trigger, due, stamp, now, now_stamp, coalesce=coalesce, after=after)
    nothing: tuple[datetime, ...] = ()
    if room:
        runs = [NewRun(stamp) for stamp in p.stamps]
        times, skipped = p.times, nothing
    else:
        runs = [NewRun(stamp, SKIPPED, MAX_INSTANCES) for stamp in p.stamps]
        times, skipped = nothing, p.times
    if p.coalesced:
        runs = [*_coalesced(p), *runs]
    claim = Claim(job_id, revision, p.then_stamp, runs, time=p.then, rerun=rerun)
    return Decision(claim, times, p.stamps, skipped)


def _coalesced(p: Plan) -> list[NewRun]:
    first, *rest = p.coalesced
    if p.uncounted:
        reason = f"coalesced (and {p.uncounted} run times before it)"
    else:
        reason = "coalesced"
    return [NewRun(first, SKIPPED, reason), *(NewRun(stamp, SKIPPED, "coalesced") for stamp in rest)]
