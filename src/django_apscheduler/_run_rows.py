"""The run log and the schedulers that share it: lists, pruning, take-over."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db import IntegrityError
from django.db.models import Count, QuerySet

from apscheduler._core.claims import INTERRUPTED, NodeRow, RunQuery, StoredRun
from apscheduler.jobstores._text import storable_text
from django_apscheduler._connection import Connection
from django_apscheduler._job_rows import JobRows
from django_apscheduler._records import RUN_COLUMNS, chunks, labels_of, seconds, stored_run
from django_apscheduler.models import DjangoJobExecution, DjangoJobNode

PRUNED_AT_ONCE = 5_000


class RunRows:
    """Records of runs, and nodes."""

    def __init__(self, connection: Connection, jobs: JobRows) -> None:
        self._db = connection
        self._jobs = jobs

    def _runs(self) -> QuerySet[DjangoJobExecution]:
        return DjangoJobExecution.objects.using(self._db.alias).order_by()

    def _nodes(self) -> QuerySet[DjangoJobNode]:
        return DjangoJobNode.objects.using(self._db.alias)

    def read(self, query: RunQuery) -> list[StoredRun]:
        """Return the matching records, newest run time first, ties by descending id."""
        rows = self._runs()
        if query.job_id is not None:
            rows = rows.filter(job_id=query.job_id)
        if query.statuses is not None:
            rows = rows.filter(status__in=labels_of(query.statuses))
        if query.since is not None:
            rows = rows.filter(run_stamp__gte=query.since)
        if query.until is not None:
            rows = rows.filter(run_stamp__lt=query.until)
        found = rows.order_by("-run_stamp", "-pk").values_list(*RUN_COLUMNS)[: query.limit]
        return self._db.read(lambda: [stored_run(row) for row in found.all()])

    def take_over(self, node_id: str, now: float, reason: str) -> list[StoredRun]:
        """Record the running runs of a node as interrupted, remove the node, and return those runs."""
        text = storable_text(reason)

        def work() -> list[StoredRun]:
            self._jobs.lock()
            # Locked first: a second caller waits here, and then finds them finished.
            rows = self._runs().filter(node=node_id, finished_stamp__isnull=True)
            found = list(rows.order_by("job_id", "revision").select_for_update().values_list(*RUN_COLUMNS))
            for some in chunks([row[0] for row in found]):
                self._runs().filter(pk__in=some, finished_stamp__isnull=True).update(
                    status=DjangoJobExecution.INTERRUPTED,
                    finished_stamp=now,
                    finished=seconds(now),
                    reason=text,
                )
            self._nodes().filter(pk=node_id).delete()
            return [stored_run(row)._replace(status=INTERRUPTED, finished=now, reason=text) for row in found]

        return self._db.write(work)

    def prune(self, before: float | None, per_job: int | None) -> int:
        """Remove finished records that are too old or too many, some thousand in each transaction."""
        removed = 0
        finished = self._runs().filter(finished_stamp__isnull=False)
        if before is not None:
            older = finished.filter(run_stamp__lt=before).order_by("run_stamp")
            while ids := self._ids(older[:PRUNED_AT_ONCE]):
                removed += self._delete(ids)
        if per_job is not None:
            crowded = self._runs().values("job_id").annotate(n=Count("pk")).filter(n__gt=per_job)
            for job_id in self._db.read(lambda: list(crowded.values_list("job_id", flat=True))):
                removed += self._prune_job(job_id, per_job)
        return removed

    def _prune_job(self, job_id: str, keep: int) -> int:
        newest_first = self._runs().filter(job_id=job_id).order_by("-run_stamp", "-revision", "-attempt")
        rows: list[tuple[int, float | None]]
        columns, removed = newest_first.values_list("pk", "finished_stamp"), 0
        while rows := self._db.read(partial(list, columns[keep : keep + PRUNED_AT_ONCE])):
            ended = [pk for pk, finished in rows if finished is not None]
            removed += self._delete(ended)
            if len(rows) < PRUNED_AT_ONCE:
                break
            keep += len(rows) - len(ended)  # because what is running stays, and is passed over
        return removed

    def _ids(self, rows: QuerySet[DjangoJobExecution]) -> list[int]:
        return self._db.read(lambda: list(rows.values_list("pk", flat=True)))

    def _delete(self, ids: Sequence[int]) -> int:
        def work() -> int:
            return sum(
                self._runs().filter(pk__in=some, finished_stamp__isnull=False).delete()[0]
                for some in chunks(ids)
            )

        return self._db.write(work) if ids else 0

    # -- nodes ----------------------------------------------------------------------------------------------------

    def heartbeat(self, node: NodeRow) -> None:
        """Set the counter of `node`, or insert it."""
        values: dict[str, Any] = node._asdict()
        for _ in range(2):
            if self._db.write(lambda: self._nodes().filter(pk=node.id).update(counter=node.counter)):
                return
            try:
                self._db.write(lambda: self._nodes().bulk_create([DjangoJobNode(**values)]))
            except IntegrityError:
                continue  # because another thread of the node was faster
            return

    def read_nodes(self) -> list[NodeRow]:
        """Return all nodes, the oldest first."""
        rows = self._nodes().order_by("started", "pk").values_list(*NodeRow._fields)
        return self._db.read(lambda: [NodeRow(*row) for row in rows.all()])
