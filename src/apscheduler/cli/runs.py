"""`apscheduler runs`: what became of each run time."""

from __future__ import annotations

from datetime import tzinfo
from difflib import get_close_matches
from typing import Annotated, Any

import typer

from apscheduler._core.claims import STATUSES, RunQuery
from apscheduler.cli._errors import RefusedError
from apscheduler.cli._following import changes
from apscheduler.cli._options import DEFAULT_TABLE, AsJson, Store, Table, Zone
from apscheduler.cli._screen import (
    add_row,
    duration_text,
    iso,
    make_table,
    print_json,
    print_table,
    printable,
    say,
    time_text,
)
from apscheduler.cli._store import opened
from apscheduler.cli._times import read_time, read_zone
from apscheduler.jobstores.base import ClaimingJobStore
from apscheduler.runs import Run, run_of


def runs(
    store: Store,
    table: Table = DEFAULT_TABLE,
    job: Annotated[
        str | None, typer.Option("--job", metavar="ID", help="Only runs of this job.", show_default=False)
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(
            "--status",
            metavar="STATUS",
            help=f"Only runs with this status ({', '.join(STATUSES)}); may be repeated.",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="TIME",
            help="Only runs that were due at this time or later; '2h' is two hours ago.",
            show_default=False,
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", metavar="TIME", help="Only runs that were due before this time.", show_default=False
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="So many at most.")] = 50,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on and print what comes, until Ctrl-C.")
    ] = False,
    tz: Zone = None,
    as_json: AsJson = False,
) -> None:
    """List the records of runs, the newest first; with --follow as they come, one line each."""
    zone = read_zone(tz)
    query = RunQuery(
        job, _statuses(status), _stamp(since, zone, "--since"), _stamp(until, zone, "--until"), limit
    )
    with opened(store, table, runs=True) as opened_store:
        if follow:
            _follow(opened_store, query, zone, as_json)
            return
        found = [run_of(run) for run in opened_store.read_runs(query)]
        if not found and job is not None:
            _require_known(opened_store, job)
    if as_json:
        print_json([_as_json(run, zone) for run in found])
    elif found:
        _print(found, zone)
    else:
        say("No runs.")


def outcome_text(run: Run) -> str:
    """Return what a run returned or raised, or why it was not run."""
    if run.error or run.reason:
        return run.error or run.reason or ""
    return "" if run.result is None else str(run.result)


def _follow(store: ClaimingJobStore, query: RunQuery, zone: tzinfo, as_json: bool) -> None:
    try:
        for run in map(run_of, changes(store, query)):
            if as_json:
                print_json(_as_json(run, zone), one_line=True)
            else:
                say(_line(run, zone))
    except KeyboardInterrupt:
        return


def _line(run: Run, zone: tzinfo) -> str:
    parts = [
        time_text(run.run_time, zone),
        f"{printable(run.job_id):16}",
        f"{run.status:11}",
        f"{duration_text(run.duration):>9}",
        printable(outcome_text(run)),
    ]
    return "  ".join(parts).rstrip()


def _print(found: list[Run], zone: tzinfo) -> None:
    rows = make_table("RUN TIME", "JOB", "STATUS", "LATE>", "DURATION>", "RESULT, ERROR OR REASON")
    for run in found:
        cells = (duration_text(run.lateness), duration_text(run.duration), outcome_text(run))
        add_row(rows, time_text(run.run_time, zone), run.job_id, run.status, *cells)
    print_table(rows)


def _statuses(names: list[str] | None) -> tuple[str, ...] | None:
    for name in names or ():
        if name not in STATUSES:
            near = get_close_matches(name, STATUSES, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"write one of {', '.join(STATUSES)}"
            raise RefusedError(f"--status {name!r} is no status of a run; {hint}")
    return tuple(names) if names else None


def _stamp(text: str | None, zone: tzinfo, option: str) -> float | None:
    return None if text is None else read_time(text, zone, option).timestamp()


def _require_known(store: ClaimingJobStore, job_id: str) -> None:
    if store.read_job(job_id) is None and not store.read_runs(RunQuery(job_id, limit=1)):
        raise RefusedError(
            f"--job {job_id!r}: the store has no such job and no run of it; `apscheduler jobs` lists them"
        )


def _as_json(run: Run, zone: tzinfo) -> dict[str, Any]:
    return {
        "id": run.id,
        "job_id": run.job_id,
        "run_time": iso(run.run_time, zone),
        "status": run.status,
        "reason": run.reason,
        "started_at": iso(run.started_at, zone),
        "finished_at": iso(run.finished_at, zone),
        "lateness": None if run.lateness is None else run.lateness.total_seconds(),
        "duration": None if run.duration is None else run.duration.total_seconds(),
        "node": run.node,
        "attempt": run.attempt,
        "error": run.error,
        "traceback": run.traceback,
        "result": run.result,
    }
