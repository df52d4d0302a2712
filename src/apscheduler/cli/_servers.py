"""The job stores of servers that are no SQL databases, by URL: Redis, MongoDB, ZooKeeper, RethinkDB, etcd.

Starting one makes what it lacks on its server, so it is first looked whether there is anything at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from apscheduler.cli._errors import RefusedError, first_line
from apscheduler.jobstores.base import ClaimingJobStore

CONNECT_TIMEOUT = 5.0


class Opened(NamedTuple):
    """A store that is not started, whether there is something where it would be, and the errors of its client."""

    store: ClaimingJobStore
    is_there: Callable[[], bool]
    errors: tuple[type[Exception], ...]


@contextmanager
def opened_server(url: str, shown: str, name: str | None) -> Iterator[ClaimingJobStore]:
    """Return the started store of a URL of `KINDS`; what its client complains of meanwhile refuses the command.

    Args:
        url: of the server.
        shown: the same without its password, for messages.
        name: what `--table` gives, if anything.
    """
    try:
        parts = urlsplit(url)
        found = KINDS[parts.scheme](url, parts, name)
    except ImportError as exc:
        raise RefusedError(f"--store {shown}: {first_line(exc)}") from exc
    except (ValueError, TypeError) as exc:
        raise RefusedError(f"--store {shown!r} is no URL of a job store ({first_line(exc)})") from exc
    try:
        try:
            if not found.is_there():
                raise RefusedError(
                    f"--store {shown}: there is nothing of a job store under that name, a scheduler creates it when it"
                    " starts; check the end of the URL, and --table"
                )
            found.store.start(None, "default")
            yield found.store
        finally:
            found.store.shutdown()
    except found.errors as exc:
        raise RefusedError(
            f"--store {shown}: the server does not answer as it should ({first_line(exc)});"
            " check the URL, and that the server can be reached from here"
        ) from exc


def _redis(url: str, parts: SplitResult, name: str | None) -> Opened:
    from apscheduler.jobstores.redis import RedisJobStore

    keys: dict[str, Any] = {}
    if name is not None:
        jobs_key, _, run_times_key = name.partition(",")
        if not jobs_key or not run_times_key:
            raise RefusedError(
                f"--table {name!r}: a store in Redis has two keys; give both, as in"
                " apscheduler.jobs,apscheduler.run_times"
            )
        keys = {"jobs_key": jobs_key, "run_times_key": run_times_key}
    from redis import RedisError

    store = RedisJobStore(url=url, **keys)
    names = store.jobs_key, store.run_times_key, f"{store.jobs_key}.nodes"
    return Opened(store, lambda: bool(store.redis.exists(*names)), (RedisError,))


def _mongodb(url: str, parts: SplitResult, name: str | None) -> Opened:
    from pymongo.errors import PyMongoError

    from apscheduler.jobstores.mongodb import MongoDBJobStore

    collection: dict[str, Any] = {} if name is None else {"collection": name}
    store = MongoDBJobStore(**_path(parts, "database"), **collection, host=url)
    names = {store.collection.name, f"{store.collection.name}_nodes"}

    def is_there() -> bool:
        return not names.isdisjoint(store.collection.database.list_collection_names())

    return Opened(store, is_there, (PyMongoError,))


def _zookeeper(url: str, parts: SplitResult, name: str | None) -> Opened:
    from apscheduler.jobstores.zookeeper import ZooKeeperJobStore

    _no_table(name)
    from kazoo.exceptions import KazooException
    from kazoo.handlers.threading import KazooTimeoutError

    store = ZooKeeperJobStore(**_path(parts), hosts=parts.netloc, **_options(parts))

    def is_there() -> bool:
        store.client.start(timeout=CONNECT_TIMEOUT)
        return store.client.exists(store.path) is not None

    return Opened(store, is_there, (KazooException, KazooTimeoutError))


def _rethinkdb(url: str, parts: SplitResult, name: str | None) -> Opened:
    from apscheduler.jobstores.rethinkdb import RethinkDBJobStore

    table: dict[str, Any] = {} if name is None else {"table": name}
    from rethinkdb.errors import ReqlError

    store = RethinkDBJobStore(**_path(parts, "database"), **table, **_address(parts), **_options(parts))
    # The driver looks at its arguments when it connects.
    return Opened(store, store.is_there, (ReqlError, TypeError))


def _etcd(url: str, parts: SplitResult, name: str | None) -> Opened:
    from apscheduler.jobstores.etcd import EtcdJobStore

    _no_table(name)
    from urllib3.exceptions import HTTPError

    from apscheduler.jobstores._etcd_client import EtcdError, text64

    store = EtcdJobStore(**_path(parts), **_address(parts), **_options(parts))

    def is_there() -> bool:
        for start in (store.path, f"state:{store.path}"):
            keys = {"key": text64(f"{start}/".encode()), "range_end": text64(f"{start}0".encode())}
            if store.client.request("kv/range", {**keys, "limit": 1}).get("kvs"):
                return True
        return False

    return Opened(store, is_there, (EtcdError, HTTPError))


KINDS: dict[str, Callable[[str, SplitResult, str | None], Opened]] = {
    "redis": _redis,
    "rediss": _redis,
    "unix": _redis,
    "mongodb": _mongodb,
    "mongodb+srv": _mongodb,
    "zookeeper": _zookeeper,
    "rethinkdb": _rethinkdb,
    "etcd": _etcd,
}
"""What opens a store, by the scheme of its URL."""


def _path(parts: SplitResult, argument: str = "path") -> dict[str, Any]:
    """Return the path of a URL as an argument of a store, if it has one."""
    path = unquote(parts.path)
    if path in ("", "/"):
        return {}
    return {argument: path if argument == "path" else path.strip("/")}


def _address(parts: SplitResult) -> dict[str, Any]:
    given = {"host": parts.hostname, "port": parts.port, "user": parts.username, "password": parts.password}
    return {
        key: unquote(value) if isinstance(value, str) else value
        for key, value in given.items()
        if value is not None
    }


def _options(parts: SplitResult) -> dict[str, Any]:
    """Return the query of a URL as arguments of a store; numbers, true and false are read as such."""
    words: dict[str, Any] = {"true": True, "false": False}
    return {
        key: words.get(value, int(value) if value.isdigit() else value)
        for key, value in parse_qsl(parts.query)
    }


def _no_table(name: str | None) -> None:
    if name is not None:
        raise RefusedError(f"--table {name!r}: the path at the end of the URL says where the jobs are")
