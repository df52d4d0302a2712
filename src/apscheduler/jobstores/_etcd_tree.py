"""A tree of keys on etcd, which sorts them: what is due is read by range."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from apscheduler.jobstores._etcd_client import EtcdClient, text64
from apscheduler.jobstores._etcd_watch import EtcdWatch
from apscheduler.jobstores._tree import (
    ANY,
    Absent,
    Check,
    ConflictError,
    Create,
    Delete,
    Node,
    Op,
    Put,
    Tree,
)

PAGE = 1000
LEAVES = 64

_Json = dict[str, Any]


class EtcdTree(Tree):
    """Keys are `<path>/<name>` for the documents, and `state:<path>/...` for what 3.x does not know.

    3.x takes every key that begins with `path` for a job, so ours must not.
    """

    segment_bytes = 2_048
    rest_of_empty = None
    separates_folders = False

    def __init__(self, client: EtcdClient, path: str, ours: bool, max_ops: int, max_bytes: int) -> None:
        self.client = client
        self.max_ops = max_ops
        self.max_bytes = max_bytes
        self._ours = ours
        self._def = f"{path}/"
        self._state = f"state:{path}/"

    # -- connection ------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Make sure that the server answers; there are no folders to be made."""
        self.is_foreign()

    def close(self) -> None:
        """Close the connections, if the client is ours to close."""
        if self._ours:
            self.client.close()

    # -- reading ---------------------------------------------------------------------------------------------

    def read(self, keys: Sequence[str]) -> list[Node | None]:
        """Return what each key holds, None where it does not exist."""
        found: list[Node | None] = []
        for start in range(0, len(keys), self.max_ops):
            gets = [_range(self._at(key)) for key in keys[start : start + self.max_ops]]
            for answer in self._transact({"success": gets})["responses"]:
                kvs = answer["response_range"].get("kvs")
                found.append(_node(kvs[0]) if kvs else None)
        return found

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder."""
        start = self._at(f"{folder}/")
        return [
            key[len(start) :].decode("utf-8", "surrogatepass")
            for key, _ in self._folder(start, keys_only=True)
        ]

    def nodes(self, folder: str) -> dict[str, Node]:
        """Return the names in a folder with what they hold."""
        start = self._at(f"{folder}/")
        return {
            key[len(start) :].decode("utf-8", "surrogatepass"): node
            for key, node in self._folder(start, keys_only=False)
        }

    def leaves(self) -> Iterator[tuple[str, Node]]:
        """Yield the leaves of the index in order, from one read for every 64 of them."""
        start = self._at("due/")
        first, end = start, self._at("due/g")  # after all digits, and before what is paused
        while True:
            answer = self.client.request(
                "kv/range", _range(first, end, LEAVES, keys_only=False)["request_range"]
            )
            kvs = answer.get("kvs", ())
            for kv in kvs:
                key = b64decode(kv["key"])
                yield key[len(start) :].decode(), _node(kv)
            if len(kvs) < LEAVES:
                return
            first = key + b"\0"

    def _folder(self, start: bytes, keys_only: bool) -> list[tuple[bytes, Node]]:
        found: list[tuple[bytes, Node]] = []
        first, end = start, _after(start)
        while True:
            answer = self.client.request("kv/range", _range(first, end, PAGE, keys_only)["request_range"])
            kvs = answer.get("kvs", ())
            found += [(b64decode(kv["key"]), _node(kv)) for kv in kvs]
            if len(kvs) < PAGE:
                return found
            first = found[-1][0] + b"\0"

    # -- writing ---------------------------------------------------------------------------------------------

    def commit(self, ops: Sequence[Op]) -> list[int]:
        """Do all of `ops` or none of them, and return the versions that were written."""
        if not ops:
            return []
        answer = self._transact(
            {
                "compare": [self._condition(op) for op in ops if getattr(op, "guarded", True)],
                "success": [self._act(op) for op in ops if not isinstance(op, Check | Absent)],
            }
        )
        if not answer.get("succeeded"):
            raise ConflictError("a key was not as it was required to be")
        revision = int(answer["header"]["revision"])
        return [revision if isinstance(op, Put | Create) else 0 for op in ops]

    def _condition(self, op: Op) -> _Json:
        key = text64(self._at(op.key))
        if isinstance(op, Create | Absent):
            return {"key": key, "target": "CREATE", "result": "EQUAL", "create_revision": "0"}
        if op.version == ANY:
            return {"key": key, "target": "CREATE", "result": "GREATER", "create_revision": "0"}
        return {"key": key, "target": "MOD", "result": "EQUAL", "mod_revision": str(op.version)}

    def _act(self, op: Create | Put | Delete) -> _Json:
        key = text64(self._at(op.key))
        if isinstance(op, Delete):
            return {"request_delete_range": {"key": key}}
        return {"request_put": {"key": key, "value": text64(op.value)}}

    def _transact(self, body: _Json) -> _Json:
        return self.client.request("kv/txn", body)

    def catch_up(self) -> None:
        """Nothing: reads are of what was written last."""

    # -- others ----------------------------------------------------------------------------------------------

    def is_foreign(self) -> bool:
        """Return whether there are more documents than jobs of ours, or fewer."""
        gets = [
            {"request_range": {"key": text64(start), "range_end": text64(_after(start)), "count_only": True}}
            for start in (self._at("def/"), self._at("jobs/"))
        ]
        answers = self._transact({"success": gets})["responses"]
        documents, jobs = (answer["response_range"].get("count", "0") for answer in answers)
        return bool(documents != jobs)

    def watch(
        self, own: bytes, on_change: Callable[[], None], on_foreign: Callable[[], None]
    ) -> Callable[[], None]:
        """Call `on_change` when `numbers/changed` was written, and `on_foreign` when 3.x has written documents."""

        def look() -> None:
            if self.is_foreign():
                on_foreign()

        documents = self._at("def/")
        changed = self._at("numbers/changed")
        return EtcdWatch(self.client, changed, own, on_change, documents, _after(documents), look).start()

    def _at(self, key: str) -> bytes:
        text = self._def + key[4:] if key.startswith("def/") else self._state + key
        return text.encode("utf-8", "surrogatepass")


def _range(first: bytes, end: bytes | None = None, limit: int = 0, keys_only: bool = False) -> _Json:
    body: _Json = {"key": text64(first)}
    if end is not None:
        body.update(range_end=text64(end), limit=str(limit), keys_only=keys_only)
    return {"request_range": body}


def _after(prefix: bytes) -> bytes:
    """Return the first key after all those that begin with `prefix`."""
    return prefix[:-1] + bytes([prefix[-1] + 1])


def _node(kv: _Json) -> Node:
    return Node(b64decode(kv.get("value", "")), int(kv["mod_revision"]))
