from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient
from redis import Redis
from sqlalchemy import create_engine

sys.path.insert(0, str(Path(__file__).parents[1]))

from _cluster import Cluster, shuffled_seed
from cluster_jobs import PATH

import _mongo_server
import _redis_server
import _rethink_server
import _servers
import _tree_servers


@pytest.fixture
def backend() -> str:
    """Be overridden by a parameter."""
    return "sqlite"


@pytest.fixture
def cluster(backend, tmp_path) -> Iterator[Cluster]:
    shuffled_seed()
    url = {
        "sqlite": lambda: f"sqlite:///{tmp_path}/jobs.sqlite",
        "postgresql": _servers.postgresql_url,
        "mariadb": _servers.mariadb_url,
        "redis": _redis_server.redis_url,
        "zookeeper": lambda: "zookeeper://" + _tree_servers.zookeeper(),
        "mongodb": _mongo_server.mongodb_url,
        "rethinkdb": lambda: "rethinkdb://" + _rethink_server.rethinkdb(),
        "etcd": lambda: "etcd://" + _tree_servers.etcd(),
    }[backend]()
    if backend == "mongodb":
        _mongo_server.index_conditional_changes(url, "cluster", "jobs")
    cluster = Cluster(url, tmp_path)
    with cluster.scheduler():
        pass  # makes the tables
    yield cluster
    cluster.close()
    if backend == "redis":
        client = Redis.from_url(url)
        client.flushdb()
        client.close()
    elif backend == "mongodb":
        with MongoClient(url) as mongo:
            mongo.drop_database("cluster")
    elif backend == "rethinkdb":
        _rethink_server.drop(_rethink_server.rethinkdb(), "cluster")
    elif backend in ("zookeeper", "etcd"):
        _tree_servers.empty(url, PATH)
    elif backend != "sqlite":
        engine = create_engine(url)
        with engine.begin() as conn:
            for suffix in ("", "_runs", "_nodes", "_numbers"):
                conn.exec_driver_sql(f"DROP TABLE cluster{suffix}")
        engine.dispose()
