"""`apscheduler nodes`: which schedulers share a job store."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

from apscheduler._core.claims import NodeRow
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
    if as_json:
        print_json([_as_json(node, zone) for node in found])
    elif found:
        _print(found, zone)
    else:
        say("No scheduler is running on this store.")


def process_of(node: NodeRow) -> str:
    """Return what can be told from here of a node's process: running, gone, or unknown, on another machine."""
    if is_gone(node):
        return "gone"
    return "running" if node.host == new_node(0).host and "/" in node.host else "unknown"


def _print(found: list[NodeRow], zone: tzinfo) -> None:
    rows = make_table("NODE", "HOST", "PID>", "STARTED", "HEARTBEATS>", "PROCESS")
    for node in found:
        started = time_text(node.started, zone)
        cells = (node.id, _host(node), str(node.pid), started, str(node.counter), process_of(node))
        add_row(rows, *cells)
    print_table(rows)


def _host(node: NodeRow) -> str:
    return node.host.partition("/")[0]


def _as_json(node: NodeRow, zone: tzinfo) -> dict[str, Any]:
    return {
        "id": node.id,
        "host": _host(node),
        "pid": node.pid,
        "started": iso(node.started, zone),
        "heartbeats": node.counter,
        "process": process_of(node),
    }
