"""MongoDB servers for tests: on free ports, with their data in memory or in a temporary folder.

Where there is no `mongod`, mongo-java-server stands in: it speaks the protocol, and changes a document atomically. It has
no replica sets and no indexes but unique ones; its change streams are made to say what MongoDB's say (see server.bsh).
"""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

from _servers import MissingError, _folder, _free_port, _or_missing, _program
from _tree_servers import TreeServer

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "apscheduler-tests"
JARS = CACHE / "mongo-java-server-1.47.0"
SCRIPT = Path(__file__).parent / "mongodb_server" / "server.bsh"


@cache
def mongodb_url() -> str:
    """Return the URL of a MongoDB server for this test session."""
    if url := os.environ.get("APSCHEDULER_TEST_MONGODB_URL"):
        return url
    server = _or_missing(make_mongodb)
    server.start()
    return url_of(server)


def restartable_mongodb() -> TreeServer:
    """Return a server with its data on disk that only the caller uses, who starts it, and removes it at the end.

    The stand-in has to be ended by a SIGTERM, or the last second is lost.
    """
    return _or_missing(lambda: make_mongodb("disk"))


@cache
def changes_url() -> str:
    """Return the URL of a server that has change streams: a replica set named in the environment, or the stand-in."""
    if url := os.environ.get("APSCHEDULER_TEST_MONGODB_REPLICA_SET_URL"):
        return url
    server = _or_missing(lambda: make_mongodb("changes"))
    server.start()
    return url_of(server)


def url_of(server: TreeServer) -> str:
    return f"mongodb://{server.address}/"


def make_mongodb(kind: str = "memory") -> TreeServer:
    """Return a server that is not started yet; `kind` is one of memory, disk, changes, speed.

    The stand-in for speed is in memory, too, but compiles itself as well as it can, where the others soon answer.
    """
    port = _free_port()
    if (mongod := shutil.which("mongod")) and kind != "changes":
        folder = _folder("mongodb", None)
        command = [mongod, "--dbpath", str(folder), "--port", str(port), "--bind_ip", "127.0.0.1"]
        return TreeServer(command, folder, port, _answers)
    java = _program("java")
    if not JARS.exists():
        raise MissingError(
            "neither mongod nor mongo-java-server is installed (see tests/install-servers.sh),"
            " and APSCHEDULER_TEST_MONGODB_URL names no server"
        )
    folder = _folder("mongodb", None)
    options = {
        "memory": ["memory"],
        "disk": [f"{folder}/data"],
        "changes": ["memory", "changes"],
        "speed": ["memory"],
    }[kind]
    quick = [] if kind == "speed" else ["-XX:TieredStopAtLevel=1"]
    command = [
        str(java), "-Xmx384m", "-XX:+UseSerialGC", "-Xshare:auto", *quick, "-cp", f"{JARS}/*",
        "bsh.Interpreter", str(SCRIPT), str(port), *options,
    ]  # fmt: skip
    return TreeServer(command, folder, port, _answers)


def index_conditional_changes(url: str, database: str, collection: str) -> None:
    """Have the stand-in look up what is changed by key and revision, where MongoDB looks it up by the key.

    Because it takes an index only where that has just the fields of the filter. Else each claim looks at all jobs.
    """
    if shutil.which("mongod") is None and "APSCHEDULER_TEST_MONGODB_URL" not in os.environ:
        from pymongo import MongoClient

        with MongoClient[dict[str, object]](url) as client:
            client[database][collection].create_index([("_id", 1), ("revision", 1)], unique=True)


def _answers(port: int) -> bool:
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    client: MongoClient[dict[str, object]] = MongoClient(
        port=port, serverSelectionTimeoutMS=500, directConnection=True
    )
    try:
        client.admin.command("ping")
    except PyMongoError:
        return False
    else:
        return True
    finally:
        client.close()
