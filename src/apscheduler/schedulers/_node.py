"""This process as a node: an id, and what lets others on the same machine see that it is gone."""

from __future__ import annotations

import os
import socket

from apscheduler._core.claims import NodeRow


def new_node(started: float, paused: bool = False) -> NodeRow:
    """Return a new identity for a scheduler that is started in this process."""
    pid = os.getpid()
    host = _host()
    born = _born(pid) or "?"
    return NodeRow(
        f"{host.partition('/')[0][:24]}:{pid}:{born}:{os.urandom(6).hex()}", host, pid, started, 2 + paused
    )


def is_gone(node: NodeRow) -> bool:
    """Return True where the process of `node` is known to have ended; False where that cannot be known.

    Only a process in the same process id namespace of the same boot of the same machine can be looked at. A process
    id that has been given to a younger process counts as gone.
    """
    if node.host != _host() or "/" not in node.host:
        return False
    if node.pid == os.getpid():
        return False
    try:
        os.kill(node.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    if _has_ended(node.pid):
        return True
    # In ticks since the boot, because a wall clock that is set moves every start in wall time, that of the living too.
    known, born = node.id.rpartition(":")[0].rpartition(":")[2], _born(node.pid)
    return known.isdigit() and born is not None and born != known


def _host() -> str:
    """Return the host name, with the boot and the process id namespace where the system tells them."""
    name = socket.gethostname()[:80]
    try:
        boot = _read("/proc/sys/kernel/random/boot_id").strip()
        space = os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - the link leads to no path
    except OSError:
        return name
    return f"{name}/{boot}/{space}"


def _born(pid: int) -> str | None:
    """Return when a process was started, in ticks since the boot, or None where the system does not tell."""
    fields = _fields_of(pid)
    return fields[19] if fields else None


def _has_ended(pid: int) -> bool:
    """Return whether a process has ended, and only its parent has not asked for it yet, as in many containers."""
    fields = _fields_of(pid)
    return (
        bool(fields) and fields[0] in ("Z", "X") and fields[17] in ("0", "1")
    )  # its state, how many threads


def _fields_of(pid: int) -> list[str]:
    """Return what the system tells of a process after its name (proc_pid_stat(5), from field 3 on), or nothing."""
    try:
        fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    except OSError:
        return []
    return fields if len(fields) > 19 else []


def _read(path: str) -> str:
    with open(path) as file:  # noqa: PTH123 - importing pathlib takes longer than the rest of this module
        return file.read()
