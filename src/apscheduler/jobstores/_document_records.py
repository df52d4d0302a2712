"""Run records as documents. Their keys are made of what a run is found by, so that each is recorded once."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from apscheduler._core.claims import INTERRUPTED, RunKey, StoredRun, made
from apscheduler.jobstores._documents import Document

_FIELDS = ("number", *StoredRun._fields[1:])


def record_id(key: RunKey) -> str:
    """Return the key of a run's document; of a bounded length, because some servers limit it."""
    job = sha256(key.job_id.encode("utf-8", "surrogatepass")).hexdigest()[:40]
    return f"{job}-{key.revision}-{key.run_time!r}-{key.attempt}"


def as_document(run: StoredRun, rerun: Any = None) -> Document:
    """Return the document of a run that has ended; only one that was cut off keeps what it is repeated with.

    What there is none of is left out, as errors and results mostly are, because each field is sent, stored and kept.
    """
    document = {name: value for name, value in zip(_FIELDS, run, strict=True) if value is not None}
    document["id"] = record_id(made(RunKey, run[1:5]))
    if rerun is not None and run.status == INTERRUPTED:
        document["rerun"], document["repeat"] = rerun, "wanted"
    return document


def as_run(document: Document) -> StoredRun:
    """Return the run that a document records."""
    values: dict[str, Any] = {name: document.get(name) for name in StoredRun._fields}
    values.update(
        id=int(document["number"]), revision=int(document["revision"]), attempt=int(document["attempt"])
    )
    for name in ("run_time", "started", "finished"):
        if values[name] is not None:
            values[name] = float(values[name])
    if values["result"] is not None:
        values["result"] = bytes(values["result"])
    return StoredRun(**values)
