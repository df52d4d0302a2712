"""`apscheduler check`: whether every job can be run with the code as it is."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, NamedTuple

import typer

from apscheduler._limits import shared_limits
from apscheduler.cli._errors import RefusedError, first_line
from apscheduler.cli._options import DEFAULT_TABLE, AsJson, Table
from apscheduler.cli._screen import add_row, make_table, print_json, print_table, say
from apscheduler.cli._store import has_tables, opened, read_rows
from apscheduler.cli._stored import Stored, import_from_here, load_all, load_rows
from apscheduler.cli._target import executors_of, load_target, stores_of
from apscheduler.cli._words import plural
from apscheduler.job import Job
from apscheduler.jobstores.base import ClaimingJobStore
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.util import check_callable_args, undefined


class Finding(NamedTuple):
    """A job that was looked at, and what is wrong with it, if anything is."""

    job_id: str
    jobstore: str
    problem: str | None


def check(
    target: Annotated[
        str | None,
        typer.Argument(
            help="module:scheduler or a file such as app.py; all its job stores are checked.",
            show_default=False,
        ),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="URL",
            help="Check this job store instead: sqlite:///jobs.sqlite, postgresql://..., redis://..., zookeeper://...",
            show_default=False,
        ),
    ] = None,
    table: Table = DEFAULT_TABLE,
    as_json: AsJson = False,
) -> None:
    """Check that every job can be run with the code as it is: exit status 0 if so, 1 if not.

    A job resolves where it can be read, its function is found, and takes its arguments. With a TARGET, its executor
    must be there too, and pending jobs must be storable.
    """
    if (target is None) == (store is None):
        raise RefusedError("check needs either a TARGET (module:scheduler or app.py) or --store URL")
    findings = _check_store(store, table) if store is not None else _check_target(target or "")
    broken = [finding for finding in findings if finding.problem is not None]
    if as_json:
        unresolved = [{"id": f.job_id, "jobstore": f.jobstore, "reason": f.problem} for f in broken]
        print_json({"ok": not broken, "jobs": _count(findings), "unresolved": unresolved})
    else:
        _print(findings, broken)
    if broken:
        raise typer.Exit(1)


def _check_store(url: str, table: str) -> list[Finding]:
    import_from_here()
    with opened(url, table) as store:
        return [_finding(stored, "default", None) for stored in load_rows(store, read_rows(store))]


def _check_target(target: str) -> list[Finding]:
    scheduler = load_target(target)
    executors = executors_of(scheduler)
    findings = []
    for alias, store in stores_of(scheduler).items():
        try:
            findings += [_finding(stored, alias, executors) for stored in _stored_in(store, scheduler)]
        except Exception as exc:  # of whatever client library the store uses
            raise RefusedError(
                f"TARGET {target!r}: its job store {alias!r} cannot be read ({type(exc).__name__}: {first_line(exc)})"
            ) from exc
    return findings + _check_pending(scheduler, executors)


def _stored_in(store: Any, scheduler: BaseScheduler) -> list[Stored]:
    if scheduler.running or not hasattr(store, "jobs_t"):
        return load_all(store)
    # A scheduler that has never run has no tables yet, and reading must not create them.
    return load_rows(store, read_rows(store)) if has_tables(store) else []


def _check_pending(scheduler: BaseScheduler, executors: Collection[str]) -> list[Finding]:
    if scheduler.running:
        return []
    findings = []
    stores = stores_of(scheduler)
    for alias in {"default": None, **stores}:
        for job in scheduler.get_jobs(alias):
            problem = _problem_of(job, executors)
            store = stores.get(alias)
            if problem is None and isinstance(store, ClaimingJobStore):
                try:
                    store.dump(_as_stored(job))
                except Exception as exc:  # whatever pickling a user's arguments raises
                    problem = first_line(exc)
            findings.append(Finding(job.id, alias, problem))
    return findings


def _as_stored(job: Job) -> Job:
    """Return a pending job with what a scheduler gives it when it stores it."""
    call = job.func, job.func_ref, job.args, job.kwargs, job.name
    stored = Job._made(None, job.id, call, None, job.trigger)
    stored.next_run_time = getattr(job, "next_run_time", None)
    executor, *rest = job.limits
    stored.limits = shared_limits(executor, *(None if value is undefined else value for value in rest))
    return stored


def _finding(stored: Stored, alias: str, executors: Collection[str] | None) -> Finding:
    problem = stored.problem if stored.job is None else _problem_of(stored.job, executors)
    return Finding(stored.job_id, alias, problem)


def _problem_of(job: Any, executors: Collection[str] | None) -> str | None:
    """Return why a job that was read could not be run; `executors` are None where they are not known."""
    try:
        check_callable_args(job.func, job.args, job.kwargs)
    except (ValueError, TypeError) as exc:
        return f"{job.func_ref or job.name} does not take its arguments: {first_line(exc)}"
    if executors is not None and job.executor not in executors:
        return f"the scheduler has no executor {job.executor!r}; it has {', '.join(sorted(executors))}"
    return None


def _print(findings: list[Finding], broken: list[Finding]) -> None:
    if not broken:
        say(f"{plural(_count(findings), 'job')}, all resolve." if findings else "No jobs.")
        return
    rows = make_table("ID", "JOB STORE", "WHY IT DOES NOT RESOLVE")
    for finding in broken:
        add_row(rows, finding.job_id, finding.jobstore, finding.problem or "")
    print_table(rows)
    number = _count(broken)
    say(
        f"{plural(_count(findings), 'job')}, {number} of which {'does' if number == 1 else 'do'} not resolve."
    )


def _count(findings: list[Finding]) -> int:
    """Return how many jobs these are about: one that is stored and added again by the program is one."""
    return len({(finding.jobstore, finding.job_id) for finding in findings})
