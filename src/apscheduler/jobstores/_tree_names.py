"""Names of keys: times that sort as text, ids of jobs as names that any server takes, digests."""

from __future__ import annotations

import json
import re
import struct
from hashlib import blake2b
from math import floor, isinf
from urllib.parse import quote, unquote
from zlib import crc32

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


def shard_of(name: str) -> str:
    """Return which sixteenth of all jobs a job belongs to: a hexadecimal digit."""
    return f"{crc32(name.encode('utf-8', 'surrogatepass')) & 15:x}"
