"""Names of keys: times that sort as text, ids of jobs that any server takes, entries of the index.

Every job has one entry, in the index of due times or among the paused. Its name tells all that a turn needs to know -
next run time, revision, which definition, which job - so that what is due is read by listing names. A name never
returns, because a revision never does: so a claim is won by removing the entry that was read, and putting the next
one in its place.
"""

from __future__ import annotations

import json
import re
import struct
from hashlib import blake2b
from math import floor, isinf
from typing import NamedTuple
from urllib.parse import quote, unquote

MINUTE = 60
HOUR = 3600

# What ZooKeeper refuses in a name (it looks at the halves of what is beyond 16 bits), and "%" where it would read as a
# quoted character.
_REFUSED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\uf8ff\ufff0-\U0010ffff]|%[0-9A-Fa-f]{2}")
_UNENCODABLE = re.compile("[\x00\ud800-\udfff]|%[0-9A-Fa-f]{2}")


def name_of(job_id: str, separates_folders: bool) -> str:
    """Return the name of a job: its id as in 3.x, quoted only where the server would not take it."""
    if separates_folders:
        plain = (
            not _REFUSED.search(job_id) and "/" not in job_id and job_id not in (".", "..", "zookeeper", "")
        )
    else:
        plain = not _UNENCODABLE.search(job_id) and job_id != ""
    if plain:
        return job_id
    return quote(job_id, safe="", errors="surrogatepass").replace(".", "%2E") or "%"


def id_of(name: str) -> str:
    """Return the id of the job with this name."""
    return "" if name == "%" else unquote(name, errors="surrogatepass") if "%" in name else name


def sortable(time: float) -> str:
    """Return sixteen digits that sort as the number does, and keep all of it."""
    (bits,) = struct.unpack(">Q", struct.pack(">d", time + 0.0))
    return f"{bits ^ (0xFFFF_FFFF_FFFF_FFFF if bits >> 63 else 1 << 63):016x}"


def time_of(digits: str) -> float:
    """Return the number that `sortable()` was given."""
    bits = int(digits, 16)
    bits ^= 1 << 63 if bits >> 63 else 0xFFFF_FFFF_FFFF_FFFF
    (time,) = struct.unpack(">d", struct.pack(">Q", bits))
    return float(time)


def span_of(time: float, seconds: int) -> str:
    """Return ten digits, which sort as times do, for the minute or hour that `time` is in."""
    if isinf(time):
        return "f" * 10 if time > 0 else "0" * 10
    return f"{floor(time / seconds) + (1 << 38):010x}"


def digest_of(definition: bytes) -> str:
    """Return what tells a definition from others of the same job."""
    return blake2b(definition, digest_size=6).hexdigest()


def tag_of(*parts: object) -> str:
    """Return a short name for `parts`."""
    return blake2b(json.dumps(parts).encode(), digest_size=8).hexdigest()


class Entry(NamedTuple):
    """The entry of one job: its next run time (None: paused), revision, digest of its definition, name."""

    time: float | None
    revision: int
    digest: str
    name: str

    @property
    def key(self) -> str:
        """Return where the entry is kept."""
        stem = f"{self.revision:x}.{self.digest}.{self.name}"
        if self.time is None:
            return f"paused/-.{stem}"
        return f"due/{span_of(self.time, MINUTE)}/{sortable(self.time)}.{stem}"

    @property
    def id(self) -> str:
        """Return the id of the job."""
        return id_of(self.name)


def parse_entry(text: str) -> Entry:
    """Return the entry that the last part of a key names."""
    time, revision, digest, name = text.split(".", 3)
    return Entry(None if time == "-" else time_of(time), int(revision, 16), digest, name)
