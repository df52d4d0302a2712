"""The part of a scheduler that programs call to see what has run, and who runs it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from apscheduler._core.claims import RUNNING, STATUSES, RunKey, RunQuery, StoredRun
from apscheduler.schedulers._engine import Engine
from apscheduler.schedulers._registry import StoreSlot
from apscheduler.util import convert_to_datetime

if TYPE_CHECKING:
    from apscheduler.nodes import Node
    from apscheduler.runs import Run


class RunCalls:
    """Mixed into `BaseScheduler`."""

    timezone: tzinfo
    _engine: Engine

    def get_runs(
        self,
        job_id: str | None = None,
        status: str | Iterable[str] | None = None,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        limit: int | None = 100,
        jobstore: str | None = None,
    ) -> list[Run]:
        """Return run records, newest run time first.

        Args:
            job_id: only runs of this job, which need not exist any more.
            status: only runs with this status, or one of these.
            since: only runs that were due at this time or later.
            until: only runs that were due before this time.
            limit: so many at most; None for all.
            jobstore: alias of the only job store to look in.

        Raises:
            ValueError: there is no such status.
        """
        from apscheduler.runs import run_of  # here, because most programs never ask

        wanted = _statuses(status)
        query = RunQuery(
            job_id, None, _stamp(since, self.timezone, "since"), _stamp(until, self.timezone, "until"), limit
        )
        runs: list[StoredRun] = []
        for slot in self._engine.registry:
            if jobstore in (None, slot.alias):
                runs += self._read_runs(slot, query._replace(statuses=wanted))
        runs.sort(key=lambda run: (run.run_time, run.id), reverse=True)
        return [run_of(run) for run in (runs if limit is None else runs[:limit])]

    def get_nodes(self, jobstore: str | None = None) -> list[Node]:
        """Return the schedulers that share this scheduler's job stores, this one included.

        One that shares several of the stores is told of once, with its runs in flight in all of them.

        Args:
            jobstore: alias of the only job store to look in.
        """
        from apscheduler.schedulers._nodes_seen import nodes_of  # here, because most programs never ask

        nodes: dict[str, Node] = {}
        for slot in self._engine.registry:
            if jobstore in (None, slot.alias):
                for node in nodes_of(self._engine, slot):
                    known = nodes.get(node.id)
                    more = 0 if known is None else known.runs_in_flight
                    nodes[node.id] = replace(node, runs_in_flight=node.runs_in_flight + more)
        return list(nodes.values())

    def _read_runs(self, slot: StoreSlot, query: RunQuery) -> list[StoredRun]:
        """Read records, and show those as ended whose outcome is reported but not yet written.

        Reading never writes, so what waits to be written is laid over what was read.
        """
        unwritten = self._engine.unwritten(slot)
        if not unwritten:
            return list(slot.store.read_runs(query))
        limit = None if query.limit is None else query.limit + len(unwritten)
        # The status is filtered afterwards, because the outcomes that are laid over change it.
        found = slot.store.read_runs(query._replace(statuses=None, limit=None if query.statuses else limit))
        runs = []
        for run in found:
            finish = unwritten.get(RunKey(run.job_id, run.revision, run.run_time, run.attempt))
            if finish is not None and run.status == RUNNING:
                run = run._replace(
                    status=finish.status,
                    reason=finish.reason,
                    started=finish.started,
                    finished=finish.finished,
                    error=finish.error,
                    traceback=finish.traceback,
                    result=finish.result,
                )
            if query.statuses is None or run.status in query.statuses:
                runs.append(run)
        return runs


def _statuses(status: str | Iterable[str] | None) -> tuple[str, ...] | None:
    if status is None:
        return None
    statuses = (status,) if isinstance(status, str) else tuple(status)
    for name in statuses:
        if name not in STATUSES:
            raise ValueError(f"There is no run status {name!r}; known are {', '.join(STATUSES)}")
    return statuses


def _stamp(time: datetime | str | None, zone: tzinfo, name: str) -> float | None:
    return None if time is None else convert_to_datetime(time, zone, name).timestamp()
