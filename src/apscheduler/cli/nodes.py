"""`apscheduler nodes`: which schedulers share a job store."""

from __future__ import annotations

from collections import Counter
from datetime import tzinfo
from typing import Any

from apscheduler._core.claims import RUNNING, NodeRow, RunQuery
from apscheduler.cli._options import DEFAULT_TABLE, AsJson, Store, Table, Zone
from apscheduler.cli._screen import add_row, iso, make_table, print_json, print_table, say, time_text
from apscheduler.cli._store import opened
from apscheduler.cli._times import read_zone
from apscheduler.schedulers._node import is_gone, new_node


def nodes(store: Store, table: Table = DEFAULT_TABLE, tz: Zone = None, as_json: AsJson = False) -> None:
    """List the schedulers that have signed on to a store and not off again."""
    zone = read_zone(tz)
    with opened(store, table, runs=True) as opened_store:
        found = list(opened_store.read_nodes())
        running = opened_store.read_runs(RunQuery(statuses=(RUNNING,), limit=None))
        in_flight = Counter(run.node for run in running)
    if as_json:
        print_json([_as_json(node, in_flight[node.id], zone) for node in found])
    elif found:
        _print(found, in_flight, zone)
    else:
        say("No scheduler is running on this store.")


def process_of(node: NodeRow) -> str:
    """Return what can be told from here of a node's process: running, gone, or unknown, on another machine."""
    if is_gone(node):
        return "gone"
    return "running" if node.host == new_node(0).host and "/" in node.host else "unknown"


def _print(found: list[NodeRow], in_flight: Counter[str | None], zone: tzinfo) -> None:
    rows = make_table("NODE", "HOST", "PID>", "STARTED", "HEARTBEATS>", "RUNS>", "STATE")
    for node in found:
        started = time_text(node.started, zone)
        beats, runs = str(node.counter // 2), str(in_flight[node.id])
        add_row(rows, node.id, _host(node), str(node.pid), started, beats, runs, _state(node))
    print_table(rows)


def _state(node: NodeRow) -> str:
    """Return paused or running as the node said last, and gone where its process is known to have ended."""
    if process_of(node) == "gone":
        return "gone"
    return "paused" if node.counter % 2 else "running"


def _host(node: NodeRow) -> str:
    return node.host.partition("/")[0]


def _as_json(node: NodeRow, in_flight: int, zone: tzinfo) -> dict[str, Any]:
    return {
        "id": node.id,
        "host": _host(node),
        "pid": node.pid,
        "started": iso(node.started, zone),
        "heartbeats": node.counter // 2,
        "runs_in_flight": in_flight,
        "state": _state(node),
        "process": process_of(node),
    }
