"""Calls of a Redis server: scripts by their hash, calls that a client may repeat, claims that replicas have.

A script that the server has forgotten (it was restarted, or its cache emptied) is sent again. Clients repeat a call
whose answer was lost, so those calls that must not be done twice leave their answer with the server for two minutes.
"""

from __future__ import annotations

import os
from functools import cache
from hashlib import sha1
from importlib.resources import files
from inspect import iscoroutinefunction
from typing import Any, NamedTuple

from redis import Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.exceptions import (
    ConnectionError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,
)
from redis.retry import Retry

from apscheduler.jobstores._redis_keys import TYPES, Keys

# What newer versions of the client do by themselves: a server that says nothing is not waited for for ever.
_DEFAULTS = {"socket_timeout": 5, "socket_connect_timeout": 5}


_NEEDS = {
    "claim": ("claims",),
    "record": ("claims",),
    "read_due": ("rows",),
    "read_jobs": ("rows",),
    "read_some": ("rows",),
    "prune_old": ("prune",),
    "prune_grown": ("prune",),
}


class Script(NamedTuple):
    """A script, and the hash that a server knows it by."""

    text: str
    digest: str


@cache
def script(name: str) -> Script:
    """Return the script of this name."""
    names = ["common", *_NEEDS.get(name, ()), name]
    folder = files("apscheduler.jobstores") / "_redis_lua"
    text = "\n".join((folder / f"{part}.lua").read_text("utf-8") for part in names)
    return Script(text, sha1(text.encode()).hexdigest())


def make_client(url: str | None, db: int, cluster: bool, options: dict[str, Any]) -> Any:
    """Return a new client; what `options` do not say is set as a scheduler needs it.

    A call is repeated once, at once: an idle connection may have been closed meanwhile. More is not done, because the
    scheduler is to notice that the server is away.
    """
    options = {**_DEFAULTS, **options}
    if cluster:  # which repeats calls in a way of its own, that finds the node which has taken over
        return RedisCluster.from_url(url, **options) if url else RedisCluster(**options)
    options = {"retry": Retry(NoBackoff(), 1), "retry_on_error": [ConnectionError], **options}
    return Redis.from_url(url, **{"db": db, **options}) if url else Redis(db=db, **options)


def check_client(client: Any) -> None:
    """Raise a TypeError for a client that cannot be used, saying which to give."""
    if iscoroutinefunction(getattr(client, "execute_command", None)):
        raise TypeError(f"RedisJobStore needs a blocking client such as redis.Redis, not {type(client)!r}")
    encoder = getattr(client, "get_encoder", None)
    if encoder is None:
        raise TypeError(f"client must be a redis.Redis or redis.cluster.RedisCluster, not {client!r}")
    if encoder().decode_responses:
        raise TypeError(
            "RedisJobStore keeps bytes: give it a client that was made without decode_responses=True"
        )


class Server:
    """The keys of one job store on a server; calls may come from any thread.

    Errors are those of the client library, except that a read-only one says what to do.
    """

    def __init__(self, client: Any, ours: bool, keys: Keys, replicas: int, replica_timeout: float) -> None:
        self.client = client
        self.keys = keys
        self.sender = os.urandom(8).hex()
        self.channel = keys.channel(0 if isinstance(client, RedisCluster) else _db_of(client))
        self._ours = ours
        self._replicas = replicas
        self._replica_timeout = replica_timeout

    def run(self, name: str, *arguments: Any) -> Any:
        """Run a script and return its answer."""
        return self._run(script(name), self.keys.every, arguments)

    def run_once(self, name: str, *arguments: Any) -> Any:
        """Run a script that returns, where the client repeats the call, what it has answered before."""
        keys = (*self.keys.every, self.keys.answer(os.urandom(9).hex()))
        return self._run(script(name), keys, arguments)

    def run_replicated(self, name: str, *arguments: Any) -> Any:
        """Run a script; where replicas are asked for, return when so many of them have what it has written.

        Raises:
            redis.exceptions.TimeoutError: too few of them have said so in time. What was written stays.
        """
        if not self._replicas:
            return self.run(name, *arguments)
        wanted = script(name)
        for _ in range(2):
            with self.client.pipeline(transaction=False) as pipe:
                pipe.evalsha(wanted.digest, len(self.keys.every), *self.keys.every, *arguments)
                # Because a server answers for what the connection has written, and a repeated claim writes nothing.
                pipe.hincrby(self.keys.numbers, "waits", 1)
                pipe.execute_command("WAIT", self._replicas, int(self._replica_timeout * 1000))
                answer, _, confirmed = pipe.execute(raise_on_error=False)
            if not isinstance(answer, NoScriptError):
                break
            self.client.script_load(wanted.text)
        for error in (answer, confirmed):
            if isinstance(error, Exception):
                raise self._explained(error)
        if confirmed < self._replicas:
            raise TimeoutError(
                f"{confirmed} of {self._replicas} replicas have confirmed a claim within {self._replica_timeout:g} s"
                " (see wait_replicas); nothing is started until they have"
            )
        return answer

    def command(self, *arguments: Any) -> Any:
        """Run one command and return its answer."""
        try:
            return self.client.execute_command(*arguments)
        except RedisError as exc:
            error = self._explained(exc)
            if error is exc:
                raise
            raise error from exc

    def check(self) -> str | None:
        """Look at the server, if it answers; return what its user should be warned of.

        Raises:
            ValueError: one of the keys holds something else.
        """
        try:
            types = self.run("types")
        except (ConnectionError, TimeoutError):
            return None  # it is away; 3.x starts all the same
        for key, wanted, found in zip(self.keys.every, TYPES, types, strict=True):
            if found.decode() not in ("none", wanted):
                raise ValueError(
                    f"The Redis key {key!r} holds a {found.decode()}, where a job store keeps a {wanted}:"
                    " rename or remove it, or give the job store another jobs_key or run_times_key"
                )
        try:
            return self._evicts()
        except (ConnectionError, TimeoutError, ResponseError):
            return None  # a server that does not let this user ask

    def close(self) -> None:
        """Close the client, if it was made here."""
        if self._ours:
            self.client.close()

    def _run(self, wanted: Script, keys: tuple[str, ...], arguments: tuple[Any, ...]) -> Any:
        try:
            try:
                return self.client.evalsha(wanted.digest, len(keys), *keys, *arguments)
            except NoScriptError:
                return self.client.eval(wanted.text, len(keys), *keys, *arguments)
        except RedisError as exc:
            error = self._explained(exc)
            if error is exc:
                raise
            raise error from exc

    def _evicts(self) -> str | None:
        """Return a warning where the server may throw away keys that do not expire."""
        node: dict[str, Any] = {}
        client = self.client
        if isinstance(client, RedisCluster):
            node["target_nodes"] = client.get_node_from_key(self.keys.jobs)  # type: ignore[no-untyped-call]
        memory = client.info("memory", **node)
        policy = str(memory.get("maxmemory_policy", ""))
        if policy.startswith("allkeys") and memory.get("maxmemory"):
            return (
                f"The Redis server may evict jobs when its memory is full: its maxmemory-policy is {policy},"
                " a job store needs noeviction (or volatile-lru, which spares keys that do not expire)"
            )
        return None

    def _explained(self, error: Exception) -> Exception:
        if isinstance(error, ReadOnlyError):
            return ReadOnlyError(
                f"The Redis server {_name_of(self.client)} is a read-only replica: a job store needs its primary"
                f" (with Sentinel, a client of master_for()). The server said: {error}"
            )
        return error


def _db_of(client: Any) -> int:
    return int(client.connection_pool.connection_kwargs.get("db") or 0)


def _name_of(client: Any) -> str:
    pool = getattr(client, "connection_pool", None)
    options = getattr(pool, "connection_kwargs", {})
    return str(
        options.get("path") or f"{options.get('host', 'in the cluster')}:{options.get('port', '')}"
    ).rstrip(":")
