"""Claims, outcomes and repetitions on the project's database.

What makes a claim right is the comparison of the revision, and the run records in the same transaction. The rows of a
batch are locked and looked at first, so that it takes a few statements whatever its size; few claims, and those of
which some collide, are made row by row with conditional updates.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, F, IntegerField, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apscheduler._core.claims import INTERRUPTED, RUNNING, Claim, Finish, Rerun, RunKey
from django_apscheduler._connection import Connection
from django_apscheduler._job_rows import JobRows, overwrite
from django_apscheduler._records import (
    OUTCOME_COLUMNS,
    chunks,
    date_of,
    date_or_none,
    key_columns,
    new_executions,
    outcome_columns,
)
from django_apscheduler.models import DjangoJob, DjangoJobExecution

FEW = 2


class Claiming:
    """Wins claims and writes outcomes."""

    def __init__(self, connection: Connection, jobs: JobRows) -> None:
        self._db = connection
        self._jobs = jobs

    def _runs(self) -> QuerySet[DjangoJobExecution]:
        return DjangoJobExecution.objects.using(self._db.alias).order_by()

    # -- claims ---------------------------------------------------------------------------------------------------

    def claim(self, node: str, claims: Sequence[Claim], now: float) -> Collection[int]:
        """Apply the claims and return the indexes of those that were won; `now` is when final runs ended."""
        if not claims:
            return ()
        if len(claims) > FEW:
            try:
                return self._db.write(lambda: self._apply_batch(node, claims, now))
            except IntegrityError:
                pass
        try:
            return self._db.write(lambda: self._apply_each(node, claims, now, careful=False))
        except IntegrityError:
            # A job carries a revision that was claimed before, so its table was changed by other means than ours.
            return self._db.write(lambda: self._apply_each(node, claims, now, careful=True))

    def record(self, node: str, claims: Sequence[Claim], now: float) -> None:
        """Insert the records of `claims` that do not exist yet; `now` is when they ended."""
        for execution in new_executions(node, claims, now):
            try:
                self._db.write(partial(self._runs().bulk_create, [execution]))
            except IntegrityError:
                continue  # another node has recorded it

    def _apply_batch(self, node: str, claims: Sequence[Claim], now: float) -> set[int]:
        self._jobs.lock()
        current: dict[str, int] = {}
        for ids in chunks(sorted(claim.job_id for claim in claims)):
            rows = self._jobs.all().filter(pk__in=ids).order_by("pk").select_for_update()
            current.update(rows.values_list("pk", "revision"))
        won = {index for index, claim in enumerate(claims) if current.get(claim.job_id) == claim.revision}
        moves: list[DjangoJob] = []
        redefinitions: list[DjangoJob] = []
        removals: list[str] = []
        for claim in (claims[index] for index in won):
            if claim.then is None:
                removals.append(claim.job_id)
            else:
                (moves if claim.definition is None else redefinitions).append(_moved(claim))
        self._jobs.write_over(moves, ("next_run_stamp", "next_run_time", "revision"))
        self._jobs.write_over(redefinitions, ("next_run_stamp", "next_run_time", "revision", "job_state"))
        for ids in chunks(removals):
            self._jobs.all().filter(pk__in=ids).delete()
        return self._won_and_recorded(node, claims, won, now)

    def _apply_each(self, node: str, claims: Sequence[Claim], now: float, careful: bool) -> set[int]:
        # By id, because two nodes that lock the same rows in different orders deadlock.
        in_order = sorted(range(len(claims)), key=lambda index: claims[index].job_id)
        won = {index for index in in_order if self._apply(claims[index], careful)}
        return self._won_and_recorded(node, claims, won, now)

    def _apply(self, claim: Claim, careful: bool) -> bool:
        current = self._jobs.all().filter(pk=claim.job_id, revision=claim.revision)
        if careful:
            self._jobs.lock()
            used = self._runs().filter(job_id=claim.job_id).aggregate(top=Max("revision"))["top"]
            if used is not None and used >= claim.revision:
                # Not claimed now: it is due again at once, under a revision that was never used.
                current.update(revision=used + 1)
                return False
        if claim.then is None:
            return current.delete()[0] == 1
        values: dict[str, Any] = {
            "next_run_stamp": claim.then,
            "next_run_time": date_or_none(claim.then),
            "revision": F("revision") + 1,
        }
        if claim.definition is not None:
            values["job_state"] = claim.definition
        return current.update(**values) == 1

    def _won_and_recorded(self, node: str, claims: Sequence[Claim], won: set[int], now: float) -> set[int]:
        removed = [claims[index].revision for index in won if claims[index].then is None]
        if removed:
            self._jobs.raise_floor(max(removed))
        self._runs().bulk_create(new_executions(node, [claims[index] for index in sorted(won)], now))
        lost = set(range(len(claims))) - won
        return won | self._won_before(node, claims, lost) if lost else won

    def _won_before(self, node: str, claims: Sequence[Claim], lost: Collection[int]) -> set[int]:
        """Return those of the `lost` claims whose records `node` has written already."""
        keys = {_telling_key(claims[index]): index for index in lost if claims[index].runs}
        found: set[int] = set()
        for some in chunks(list(keys)):
            own = (
                self._runs()
                .filter(
                    node=node,
                    job_id__in={key.job_id for key in some},
                    revision__in={key.revision for key in some},
                )
                # A run that was taken over may have been started elsewhere since.
                .exclude(status=DjangoJobExecution.INTERRUPTED)
            )
            for row in own.values_list("job_id", "revision", "run_stamp", "attempt"):
                if RunKey(*row) in keys:
                    found.add(keys[RunKey(*row)])
        return found

    # -- outcomes -------------------------------------------------------------------------------------------------

    def finish(self, outcomes: Sequence[Finish], keep: bool) -> None:
        """Write the outcomes to their records, or remove these, where they are still running."""
        if len(outcomes) > FEW:
            self._db.write(lambda: self._finish_batch(outcomes, keep))
        elif outcomes:
            self._db.write(lambda: self._finish_each(sorted(outcomes, key=_key_of), keep))

    def _finish_each(self, outcomes: Sequence[Finish], keep: bool) -> None:
        for outcome in outcomes:
            running = self._runs().filter(finished_stamp__isnull=True, **key_columns(outcome.key))
            if keep:
                running.update(**outcome_columns(outcome))
            else:
                running.delete()

    def _finish_batch(self, outcomes: Sequence[Finish], keep: bool) -> None:
        self._jobs.lock()
        running: dict[RunKey, DjangoJobExecution] = {}
        for ids in chunks(sorted({outcome.key.job_id for outcome in outcomes})):
            rows = self._runs().filter(finished_stamp__isnull=True, job_id__in=ids).order_by("pk")
            for row in rows.select_for_update().defer("rerun_state", "traceback", "exception"):
                running[RunKey(row.job_id, row.revision, row.run_stamp, row.attempt)] = row
        # One that was cut off keeps a column which the others lose.
        cut_off = [outcome for outcome in outcomes if outcome.status == INTERRUPTED and keep]
        self._finish_each(cut_off, keep)
        ended = [o for o in outcomes if o.key in running and not (keep and o.status == INTERRUPTED)]
        if not keep:
            for some in chunks([running[outcome.key].pk for outcome in ended]):
                self._runs().filter(pk__in=some).delete()
            return
        for outcome in ended:
            for name, value in outcome_columns(outcome).items():
                setattr(running[outcome.key], name, value)
        overwrite(self._runs(), [running[outcome.key] for outcome in ended], OUTCOME_COLUMNS, self._db.vendor)

    # -- repetitions ----------------------------------------------------------------------------------------------

    def read_reruns(self, limit: int) -> list[Rerun]:
        """Return at most `limit` runs that are to be repeated, oldest run time first."""
        live = (
            self._runs()
            .filter(job_id=OuterRef("job_id"), finished_stamp__isnull=True)
            .values("job_id")
            .annotate(n=Count("revision", distinct=True))
            .values("n")
        )
        current = self._jobs.all().filter(pk=OuterRef("job_id")).values("revision")
        rows = (
            self._runs()
            .filter(status=DjangoJobExecution.INTERRUPTED, rerun_state__isnull=False)
            .order_by("run_stamp", "pk")
            .annotate(
                current=Subquery(current),
                live=Coalesce(Subquery(live, output_field=IntegerField()), 0),
            )
            .values_list("job_id", "revision", "run_stamp", "attempt", "rerun_state", "current", "live")[
                :limit
            ]
        )
        return self._db.read(
            lambda: [Rerun(RunKey(*row[:4]), bytes(row[4] or b""), row[5], row[6]) for row in rows.all()]
        )

    def claim_reruns(self, node: str, reruns: Sequence[Rerun]) -> Collection[int]:
        """Claim repetitions, each in a transaction of its own; return the indexes of those that were won."""
        return [index for index, rerun in enumerate(reruns) if self._claim_rerun(node, rerun)]

    def _claim_rerun(self, node: str, rerun: Rerun) -> bool:
        try:
            self._db.write(partial(self._apply_rerun, node, rerun))
        except (_LostError, IntegrityError):
            again = rerun.key._replace(attempt=rerun.key.attempt + 1)
            own = self._runs().filter(node=node, status=DjangoJobExecution.SENT, **key_columns(again))
            return self._db.read(own.exists)
        return True

    def _apply_rerun(self, node: str, rerun: Rerun) -> None:
        key = rerun.key
        self._jobs.lock()
        job = self._jobs.all().filter(pk=key.job_id)
        if rerun.revision is None:
            current = not job.exists()
        else:
            current = job.filter(revision=rerun.revision).update(revision=F("revision") + 1) == 1
        kept = self._runs().filter(
            status=DjangoJobExecution.INTERRUPTED, rerun_state__isnull=False, **key_columns(key)
        )
        if not current or kept.update(rerun_state=None) != 1:
            raise _LostError
        with transaction.atomic(using=self._db.alias):
            self._runs().create(
                node=node,
                status=DjangoJobExecution.SENT,
                run_time=date_of(key.run_time),
                **key_columns(key._replace(attempt=key.attempt + 1)),
            )


class _LostError(Exception):
    """Rolls a claim back."""


def _moved(claim: Claim) -> DjangoJob:
    return DjangoJob(
        id=claim.job_id,
        next_run_stamp=claim.then,
        next_run_time=date_or_none(claim.then),
        revision=claim.revision + 1,
        job_state=claim.definition or b"",
    )


def _telling_key(claim: Claim) -> RunKey:
    # One that was running, if any, because only those are taken over, and then all of them at once.
    run = next((run for run in claim.runs if run.status == RUNNING), claim.runs[0])
    return RunKey(claim.job_id, claim.revision, run.run_time, claim.attempt)


def _key_of(outcome: Finish) -> RunKey:
    return outcome.key
