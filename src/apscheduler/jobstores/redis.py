"""The Redis job store: jobs, runs and nodes on a Redis server or cluster.

It reads and writes the two keys of 3.x in place; what 3.x does not have stands in keys of its own beside them. What
has to be atomic is a script on the server.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

try:
    from redis import RedisCluster
except ImportError as exc:
    raise ImportError("RedisJobStore needs redis: pip install 'apscheduler[redis]'") from exc

from apscheduler._clock import SYSTEM
from apscheduler._core.claims import (
    Claim,
    Due,
    Finish,
    JobRow,
    NodeRow,
    Rerun,
    RunQuery,
    StoredRun,
)
from apscheduler.job import Job
from apscheduler.jobstores import _way_back
from apscheduler.jobstores._codec import JobCodec
from apscheduler.jobstores._pickled_store import PickledJobStore
from apscheduler.jobstores._redis_changes import Subscription
from apscheduler.jobstores._redis_jobs import Jobs
from apscheduler.jobstores._redis_keys import key_names
from apscheduler.jobstores._redis_runs import Runs
from apscheduler.jobstores._redis_server import Server, check_client, make_client
from apscheduler.jobstores._way_back import NewState
from apscheduler.util import asbool, maybe_ref

__all__ = ("RedisJobStore",)


class RedisJobStore(PickledJobStore):
    """Keeps jobs and the records of their runs in Redis; any number of schedulers may share it.

    What it holds is as safe as the server keeps it: a server without persistence forgets jobs when it restarts, and
    one that evicts keys loses them (see docs/explanation/redis.md).

    Args:
        db: number of the database, without `client`; a `url` that names one wins.
        jobs_key: key of the jobs; other keys are named after it.
        run_times_key: key of the next run times.
        pickle_protocol: protocol that jobs are pickled with.
        url: URL of the server, such as `redis://host:6379/0` or `rediss://...`.
        client: a blocking `redis.Redis` or `redis.cluster.RedisCluster` to use instead, or a textual reference to one.
            It is left open, and its own retries and timeouts count.
        cluster: whether the server belongs to a Redis Cluster: all keys get one hash slot, for which `run_times_key`
            is changed (unless both keys have the same `{tag}`). True with a `RedisCluster`.
        wait_replicas: number of replicas that must have a claim before its runs start; not with a `RedisCluster`.
        wait_timeout: seconds to wait for them; keep it below the client's socket timeout.
        connect_args: further arguments of `redis.Redis`, or of `RedisCluster`.

    Attributes:
        redis: the client.
        jobs_key: key of the jobs.
        run_times_key: key of the next run times.
    """

    _jobs: Jobs

    def __init__(
        self,
        db: int = 0,
        jobs_key: str = "apscheduler.jobs",
        run_times_key: str = "apscheduler.run_times",
        pickle_protocol: int = pickle.HIGHEST_PROTOCOL,
        *,
        url: str | None = None,
        client: Any = None,
        cluster: bool = False,
        wait_replicas: int = 0,
        wait_timeout: float = 1.0,
        **connect_args: Any,
    ) -> None:
        given: Any = maybe_ref(client)
        if given is not None and (url or connect_args):
            also = ", ".join(sorted({*connect_args, *(["url"] if url else [])}))
            raise ValueError(f"client is given, so these say nothing: {also}")
        cluster = asbool(cluster) or isinstance(given, RedisCluster)
        keys = key_names(jobs_key, run_times_key, cluster)
        self.pickle_protocol = pickle_protocol
        self.jobs_key, self.run_times_key = keys.jobs, keys.run_times
        self.redis = make_client(url, int(db), cluster, connect_args) if given is None else given
        check_client(self.redis)
        replicas = int(wait_replicas)
        if replicas and isinstance(self.redis, RedisCluster):
            raise ValueError(
                "wait_replicas cannot be kept with a RedisCluster, which may ask another node than the one that has"
                " the claim: set min-replicas-to-write on the servers, or leave it out"
            )
        self._codec = JobCodec(pickle_protocol)
        self._server = Server(self.redis, given is None, keys, replicas, float(wait_timeout))
        self._jobs = Jobs(self._server)
        self._runs = Runs(self._server)
        self._fired = FiredJobs(self._server)
        self._subscriptions: list[Subscription] = []

    def start(self, scheduler: Any, alias: str) -> None:
        """Look whether the server will keep what it is given; one that is away is not an error yet."""
        super().start(scheduler, alias)
        warning = self._server.check()
        if warning:
            self._logger.warning("%s", warning, extra={"event": "may_evict"})

    def shutdown(self) -> None:
        """Leave the jobs as 3.x expects them, as far as that is possible now, and close the connections."""
        for subscription in self._subscriptions:
            subscription.end()
        self._subscriptions.clear()
        self._leave_for_3x()
        self._server.close()

    # -- jobs ------------------------------------------------------------------------------------------------

    def get_due_jobs(self, now: datetime) -> list[Job]:
        """Return the jobs whose next run time is `now` or earlier, by ascending next run time."""
        return self._load_all(self._jobs.read_until(now.timestamp()))

    # -- firing ----------------------------------------------------------------------------------------------

    def read_due(self, now: float, limit: int) -> Due:
        """Return at most `limit` jobs that are due, earliest first, and the next run time after `now`."""
        return self._jobs.read_due(now, limit)

    def claim(self, node: str, claims: Sequence[Claim]) -> Collection[int]:
        """Apply each claim whose job still has the claim's revision; return the indexes of those won."""
        won = self._runs.claim(node, claims, SYSTEM.time())
        self._fired.add(claims[index] for index in won)
        return won

    def finish(self, outcomes: Sequence[Finish], keep: bool = True) -> None:
        """Write outcomes to their run records; only where a record is still RUNNING."""
        self._runs.finish(outcomes, keep)

    def record_runs(self, node: str, claims: Sequence[Claim]) -> None:
        """Insert the run records of `claims`, none of them RUNNING, and leave their jobs alone."""
        self._runs.record(node, claims, SYSTEM.time())

    # -- runs and nodes --------------------------------------------------------------------------------------

    def read_runs(self, query: RunQuery) -> Sequence[StoredRun]:
        """Return the matching run records, newest run time first, ties by descending id.

        Asked for more than a thousand, it takes several readings: runs that end meanwhile may be missing.
        """
        return self._runs.read(query)

    def prune_runs(self, before: float | None, per_job: int | None) -> int:
        """Remove finished records that are older than `before`, or not among the newest `per_job` of their job.

        Done a thousand at once.
        """
        return self._runs.prune(before, per_job)

    def heartbeat(self, node: NodeRow) -> None:
        """Write `node`: insert it, or set its counter."""
        self._runs.heartbeat(node)

    def read_nodes(self) -> Sequence[NodeRow]:
        """Return all nodes that have not signed off."""
        return self._runs.read_nodes()

    def take_over(self, node_id: str, now: float, reason: str) -> Sequence[StoredRun]:
        """Record the RUNNING runs of a node as INTERRUPTED, finished at `now`, and remove the node."""
        return self._runs.take_over(node_id, now, reason)

    def read_reruns(self, limit: int) -> Sequence[Rerun]:
        """Return at most `limit` INTERRUPTED runs that are to be repeated, oldest run time first."""
        return self._runs.read_reruns(limit)

    def claim_reruns(self, node: str, reruns: Sequence[Rerun]) -> Collection[int]:
        """Claim repetitions of cut off runs; return the indexes of those that were won."""
        return self._runs.claim_reruns(node, reruns)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None] | None:
        """Have `callback` called when another scheduler of this package added or changed a job; return what ends that.

        None where the server does not let this user subscribe. It takes a connection and a thread.
        """
        subscription = Subscription(self.redis, self._server.channel, self._server.sender, callback)
        if not subscription.start():
            return None
        self._subscriptions.append(subscription)
        return subscription.end


class FiredJobs(_way_back.FiredJobs):
    """The jobs that this store has fired, to be left for 3.x."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._jobs = Jobs(server)

    def read_rows(self, ids: Sequence[str]) -> Iterable[JobRow]:
        """Return the rows of these jobs."""
        return self._jobs.read_some(ids)

    def write_states(self, changes: Sequence[NewState]) -> None:
        """Write pickles over those of jobs that have not changed since."""
        self._jobs.write_states(changes)
