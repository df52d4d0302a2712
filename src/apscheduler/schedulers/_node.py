"""This process as a node: an id, and what lets others on the same machine see that it is gone."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from uuid import uuid4

from apscheduler._core.claims import NodeRow


def new_node(started: float) -> NodeRow:
    """Return a new identity for a scheduler that is started in this process."""
    pid = os.getpid()
    host = _host()
    return NodeRow(f"{host.partition('/')[0][:24]}:{pid}:{uuid4().hex[:12]}", host, pid, started, 1)


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
    born = _born(node.pid)
    # A second of slack, because the clock tick counts from boot and the two clocks are read at different moments.
    return born is not None and born > node.started + 1.0


def _host() -> str:
    """Return the host name, with the boot and the process id namespace where the system tells them."""
    name = socket.gethostname()[:80]
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        space = os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - the link leads to no path
    except OSError:
        return name
    return f"{name}/{boot}/{space}"


def _born(pid: int) -> float | None:
    """Return when a process was started, in seconds since the epoch, or None."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        ticks = int(stat.rpartition(")")[2].split()[19])
        booted = next(
            int(line.split()[1])
            for line in Path("/proc/stat").read_text().splitlines()
            if line.startswith("btime")
        )
    except (OSError, ValueError, IndexError, StopIteration):
        return None
    return booted + ticks / os.sysconf("SC_CLK_TCK")
