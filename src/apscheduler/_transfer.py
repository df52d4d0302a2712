"""Jobs in a JSON file: the format that 3.x exports and imports.

An object of this package is written as its class and state, what JSON has no form for as a pickle in base64.
"""

from __future__ import annotations

import json
import pickle
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from apscheduler import version
from apscheduler.errors import JobUnreadableError
from apscheduler.triggers.base import BaseTrigger
from apscheduler.util import obj_to_ref, ref_to_obj

FORMAT_VERSION = 1
_CLASS, _STATE, _PICKLE = "__apscheduler_class__", "__apscheduler_state__", "__apscheduler_pickle__"


def write(states: list[dict[str, Any]], outfile: IO[str] | str) -> None:
    """Write the stored forms of jobs to a path or an open text file."""
    document = {
        "version": FORMAT_VERSION,
        "scheduler_version": version,
        # A tuple within the arguments is pickled, because JSON would make it a list; `args` itself is a list in 3.x.
        "jobs": [_encoded({**state, "args": list(state["args"])}) for state in states],
    }
    text = json.dumps(document)
    if isinstance(outfile, str):
        Path(outfile).write_text(text, encoding="utf-8")
    else:
        outfile.write(text)


def read(infile: IO[str] | str) -> list[dict[str, Any]]:
    """Return the stored forms of the jobs in a file.

    Raises:
        ValueError: it is no such file, or of a newer version.
        JobUnreadableError: it names something that cannot be imported here.
    """
    text = Path(infile).read_text(encoding="utf-8") if isinstance(infile, str) else infile.read()
    try:
        document = json.loads(text)
        format_version, jobs = document["version"], document["jobs"]
    except (ValueError, KeyError, TypeError) as exc:
        raise ValueError(f"This is not a file that export_jobs() wrote: {exc!r}") from exc
    if format_version != FORMAT_VERSION:
        raise ValueError(
            f"The file has version {format_version}, but only version {FORMAT_VERSION} can be read"
        )
    return [_job_state(job) for job in jobs]


def _job_state(job: Mapping[str, Any]) -> dict[str, Any]:
    try:
        state: dict[str, Any] = _decoded(job)
    except Exception as exc:
        raise JobUnreadableError(f"Job {job.get('id')!r} of the file cannot be rebuilt: {exc}") from exc
    state["args"] = tuple(state["args"])
    return state


def _encoded(value: Any) -> Any:
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) is list:
        return [_encoded(item) for item in value]
    if type(value) is dict and all(type(key) is str for key in value):
        return {key: _encoded(item) for key, item in value.items()}
    if isinstance(value, BaseTrigger):
        return {_CLASS: obj_to_ref(type(value)), _STATE: _encoded(value.__getstate__())}
    return {_PICKLE: b64encode(pickle.dumps(value, 4)).decode("ascii")}


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if _PICKLE in value:
        return pickle.loads(b64decode(value[_PICKLE]))
    if _CLASS in value:
        cls = ref_to_obj(value[_CLASS])
        made = cls.__new__(cls)
        made.__setstate__(_decoded(value[_STATE]))
        return made
    return {key: _decoded(item) for key, item in value.items()}
