"""`apscheduler jobs`: what is in a job store."""

from __future__ import annotations

from datetime import tzinfo
from typing import Annotated, Any

import typer

from apscheduler._core.listing import JobQuery
from apscheduler.cli._english import describe
from apscheduler.cli._options import DEFAULT_TABLE, AsJson, Store, Table, Zone
from apscheduler.cli._screen import add_row, iso, make_table, print_json, print_table, say, time_text
from apscheduler.cli._store import opened, place_of, read_rows
from apscheduler.cli._stored import Stored, import_from_here, load_rows
from apscheduler.cli._times import read_zone


def jobs(
    store: Store,
    table: Table = DEFAULT_TABLE,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="So many at most; default all.", show_default=False)
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(
            "--after",
            metavar="ID",
            help="Only what comes after this job: the last one of the page before.",
            show_default=False,
        ),
    ] = None,
    prefix: Annotated[
        str | None,
        typer.Option(
            "--prefix", metavar="TEXT", help="Only jobs whose id begins with this.", show_default=False
        ),
    ] = None,
    tz: Zone = None,
    as_json: AsJson = False,
) -> None:
    """List the jobs of a store, the next one first, also those that cannot be read here."""
    zone = read_zone(tz)
    import_from_here()
    with opened(store, table) as opened_store:
        place = None if after is None else place_of(opened_store, after)
        query = JobQuery(limit, place, None, prefix or "")
        found = load_rows(opened_store, read_rows(opened_store, query))
    if as_json:
        print_json([_as_json(stored, zone) for stored in found])
    elif found:
        _print(found, zone)
    else:
        say("No jobs.")


def _print(found: list[Stored], zone: tzinfo) -> None:
    rows = make_table("ID", "NEXT RUN", "TRIGGER", "FUNCTION")
    for stored in found:
        when = "paused" if stored.next_run_time is None else time_text(stored.next_run_time, zone)
        if stored.job is None:
            add_row(rows, stored.job_id, when, f"unreadable here: {stored.problem}", "?")
        else:
            add_row(rows, stored.job_id, when, describe(stored.job.trigger, zone), _function(stored.job))
    print_table(rows)


def _function(job: Any) -> str:
    return str(job.func_ref or job.name)


def _as_json(stored: Stored, zone: tzinfo) -> dict[str, Any]:
    job: Any = stored.job
    shown: dict[str, Any] = {
        "id": stored.job_id,
        "next_run_time": iso(stored.next_run_time, zone),
        "paused": stored.next_run_time is None,
        "problem": stored.problem,
    }
    if job is not None:
        shown |= {
            "name": job.name,
            "func": job.func_ref,
            "trigger": str(job.trigger),
            "meaning": describe(job.trigger, zone),
            "executor": job.executor,
            "max_instances": job.max_instances,
            "misfire_grace_time": job.misfire_grace_time,
            "coalesce": job.coalesce,
        }
    return shown
