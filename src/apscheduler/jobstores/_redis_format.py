"""What the scripts of the Redis job store are given and return, as bytes.

A batch is one argument and one answer, whatever its size, because a client takes longer over a thousand small values
than the server over its work. The forms are described in `_redis_lua/common.lua` and in each script. Numbers are
big-endian.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from struct import Struct
from struct import error as struct_error
from typing import Any

from apscheduler._core.claims import (
    STATUSES,
    Claim,
    Due,
    DueRow,
    Finish,
    JobRow,
    NewRun,
    Rerun,
    RunKey,
    StoredRun,
)

_LENGTH = Struct(">I")
_TOKEN = Struct(">QQh")
_NEW_ROW = Struct(">BddI")
_ROW = Struct(">IIIIQ")
_CLAIM = Struct(">QQBdIIII")
_START = Struct(">QQhBI")
_RERUN = Struct(">IIBdI")
_RERUN_OF = Struct(">Bd")
_ENTRY = Struct(">QQhQBH")
_DOUBLE = Struct(">d")
_BITS = Struct(">Q")
_RAN = Struct(">Bdd")
_SIGN = 1 << 63
_ALL = (1 << 64) - 1
_CODES = {status: code for code, status in enumerate(STATUSES)}

# What a tail has, a bit each.
_STARTED, _FINISHED, _REASON, _ERROR, _TRACEBACK, _RESULT = (1 << n for n in range(6))
_TEXTS = (_REASON, _ERROR, _TRACEBACK)


def encode_id(job_id: str) -> bytes:
    """Return the bytes of an id, as 3.x writes them."""
    return job_id.encode("utf-8", "surrogateescape")


def decode_id(data: bytes) -> str:
    """Return the id of its bytes, also where somebody else has written them."""
    return data.decode("utf-8", "surrogateescape")


def named(job_id: str) -> bytes:
    """Return an id after its length."""
    return sized(encode_id(job_id))


def sized(data: bytes) -> bytes:
    """Return bytes after their length."""
    return _LENGTH.pack(len(data)) + data


def sortable(stamp: float) -> bytes:
    """Return eight bytes whose order is that of time."""
    return _BITS.pack(_ordered(stamp))


def codes_of(statuses: Iterable[str] | None) -> bytes:
    """Return the codes of final statuses, a byte each; all of them for None."""
    return bytes(
        sorted({_CODES[status] for status in STATUSES if statuses is None or status in statuses} - {0})
    )


# -- jobs ----------------------------------------------------------------------------------------------------


def pack_rows(rows: Sequence[JobRow]) -> bytes:
    """Return new rows."""
    parts: list[bytes] = []
    for job_id, stamp, revision, definition in rows:
        head = _NEW_ROW.pack(stamp is not None, stamp or 0.0, revision, len(definition))
        parts += (named(job_id), head, definition)
    return b"".join(parts)


def read_rows(chunks: Sequence[bytes]) -> list[JobRow]:
    """Return stored rows."""
    return [
        JobRow(job_id, float(stamp) if stamp else None, revision, definition)
        for job_id, stamp, revision, definition, _ in _rows(b"".join(chunks))
    ]


def read_due(answer: Sequence[bytes]) -> Due:
    """Return what is due."""
    later, *chunks = answer
    rows = [
        DueRow(job_id, float(stamp), revision, definition, live)
        for job_id, stamp, revision, definition, live in _rows(b"".join(chunks))
    ]
    return Due(rows, float(later) if later else None)


def _rows(data: bytes) -> Iterator[tuple[str, bytes, int, bytes, int]]:
    at, end = 0, len(data)
    while at < end:
        live, stamp_size, id_size, size, revision = _ROW.unpack_from(data, at)
        id_at = at + _ROW.size + stamp_size
        definition_at = id_at + id_size
        row_end = definition_at + size
        stamp, job_id = data[at + _ROW.size : id_at], decode_id(data[id_at:definition_at])
        yield job_id, stamp, revision, data[definition_at:row_end], live
        at = row_end


# -- claims and outcomes -------------------------------------------------------------------------------------


def pack_claims(claims: Sequence[Claim], now: float) -> bytes:
    """Return claims; `now` is when those of their runs have ended that do not start."""
    parts: list[bytes] = []
    for job_id, revision, then, runs, definition, attempt, _, rerun in claims:
        kind = 0 if then is None else 1 if definition is None else 2
        new, kept = definition or b"", rerun or b""
        starts = b"".join([_new_run(run, revision, attempt, now) for run in runs])
        sizes = (len(new), len(kept), len(starts), len(runs))
        head = _CLAIM.pack(revision, revision + 1, kind, then or 0.0, *sizes)
        parts += (named(job_id), head, new, kept, starts)
    return b"".join(parts)


def _new_run(run: NewRun, revision: int, attempt: int, now: float) -> bytes:
    run_time, status, reason = run
    code = _CODES[status]
    if not code:
        return _START.pack(_ordered(run_time), revision, attempt, 0, 0)
    tail = pack_tail(None, now, reason)
    return _START.pack(_ordered(run_time), revision, attempt, code, len(tail)) + tail


def pack_outcomes(outcomes: Sequence[Finish]) -> bytes:
    """Return outcomes."""
    parts: list[bytes] = []
    for key, status, started, finished, reason, error, traceback, result in outcomes:
        tail = pack_tail(started, finished, reason, error, traceback, result)
        job_id, revision, run_time, attempt = key
        start = _START.pack(_ordered(run_time), revision, attempt, _CODES[status], len(tail))
        parts += (named(job_id), start, tail)
    return b"".join(parts)


def pack_tail(
    started: float | None,
    finished: float,
    reason: str | None = None,
    error: str | None = None,
    traceback: str | None = None,
    result: bytes | None = None,
) -> bytes:
    """Return what the scripts do not look at of a record."""
    has = _FINISHED
    parts = []
    for bit, text in zip(_TEXTS, (reason, error, traceback), strict=True):
        if text is not None:
            has |= bit
            # Any text has to be recorded, also one that is no Unicode, such as a file name in a message.
            data = text.encode("utf-8", "surrogatepass")
            parts += [_LENGTH.pack(len(data)), data]
    if result is not None:
        has |= _RESULT
        parts += [_LENGTH.pack(len(result)), result]
    if started is None:
        return b"".join((bytes((has,)), _DOUBLE.pack(finished), *parts))
    return b"".join((_RAN.pack(has | _STARTED, started, finished), *parts))


def flags(answer: bytes) -> list[int]:
    """Return the indexes of the ones in an answer."""
    return [index for index, flag in enumerate(answer) if flag == 49]


# -- runs ----------------------------------------------------------------------------------------------------


def read_records(data: bytes) -> Iterator[StoredRun]:
    """Yield records with their ids; what is not one is passed over."""
    at, end = 0, len(data)
    while at < end:
        (run_id,) = _BITS.unpack_from(data, at)
        (size,) = _LENGTH.unpack_from(data, at + 8)
        at += 12 + size
        try:
            yield _record(run_id, data[at - size : at])
        except (struct_error, ValueError, IndexError):
            continue  # because somebody else has written it, and the others are to be seen


def read_entries(data: bytes) -> Iterator[StoredRun]:
    """Yield the runs in flight of jobs."""
    at, end = 0, len(data)
    while at < end:
        job_id, at = _sized(data, at)
        entries, at = _sized(data, at)
        place = 0
        while place + _ENTRY.size <= len(entries):
            bits, revision, attempt, run_id, _, size = _ENTRY.unpack_from(entries, place)
            place += _ENTRY.size + size
            if place > len(entries):
                break  # because somebody else has written it
            key = RunKey(decode_id(job_id), revision, _stamp(bits), attempt)
            yield StoredRun(run_id, *key, STATUSES[0], decode_id(entries[place - size : place]))


def read_taken(data: bytes) -> Iterator[tuple[int, RunKey]]:
    """Yield ids and keys of runs."""
    at, end = 0, len(data)
    while at < end:
        (run_id,) = _BITS.unpack_from(data, at)
        job_id, at = _sized(data, at + 8)
        yield run_id, _key(job_id, data, at)
        at += _TOKEN.size


def read_reruns(data: bytes) -> Iterator[Rerun]:
    """Yield what waits for its repetition."""
    at, end = 0, len(data)
    while at < end:
        key_size, size, exists, revision, live = _RERUN.unpack_from(data, at)
        at += _RERUN.size
        job_id, token_at = _sized(data, at)
        at += key_size
        yield Rerun(
            _key(job_id, data, token_at), data[at : at + size], int(revision) if exists else None, live
        )
        at += size


def pack_reruns(reruns: Sequence[Rerun]) -> bytes:
    """Return repetitions."""
    parts: list[bytes] = []
    for key, _, revision, _ in reruns:
        again = key._replace(attempt=key.attempt + 1)
        job = _RERUN_OF.pack(revision is not None, revision or 0)
        parts += (named(key.job_id), _token(key), _token(again), job)
    return b"".join(parts)


def _record(run_id: int, data: bytes) -> StoredRun:
    job_id, at = _sized(data, 0)
    key = _key(job_id, data, at)
    at += _TOKEN.size
    status = STATUSES[data[at]]
    end = at + 3 + int.from_bytes(data[at + 1 : at + 3], "big")
    node = data[at + 3 : end].decode()
    return StoredRun(run_id, *key, status, node, *_tail(data, end))


def _tail(data: bytes, at: int) -> tuple[Any, ...]:
    has = data[at]
    at += 1
    started = finished = None
    if has & _STARTED:
        (started,) = _DOUBLE.unpack_from(data, at)
        at += 8
    if has & _FINISHED:
        (finished,) = _DOUBLE.unpack_from(data, at)
        at += 8
    texts: list[str | None] = []
    for bit in _TEXTS:
        text = None
        if has & bit:
            found, at = _sized(data, at)
            text = found.decode("utf-8", "surrogatepass")
        texts.append(text)
    result = _sized(data, at)[0] if has & _RESULT else None
    reason, error, traceback = texts
    return reason, started, finished, error, traceback, result


def _sized(data: bytes, at: int) -> tuple[bytes, int]:
    (size,) = _LENGTH.unpack_from(data, at)
    end = at + 4 + size
    if end > len(data):
        raise ValueError("cut off")
    return data[at + 4 : end], end


def _token(key: RunKey) -> bytes:
    return _TOKEN.pack(_ordered(key.run_time), key.revision, key.attempt)


def _key(job_id: bytes, data: bytes, at: int) -> RunKey:
    bits, revision, attempt = _TOKEN.unpack_from(data, at)
    return RunKey(decode_id(job_id), revision, _stamp(bits), attempt)


def _ordered(stamp: float) -> int:
    bits: int = _BITS.unpack(_DOUBLE.pack(stamp + 0.0))[0]  # there is one zero only
    return bits ^ (_ALL if bits & _SIGN else _SIGN)


def _stamp(bits: int) -> float:
    stamp: float = _DOUBLE.unpack(_BITS.pack(bits ^ (_SIGN if bits & _SIGN else _ALL)))[0]
    return stamp
