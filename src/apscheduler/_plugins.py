"""Triggers, executors and job stores by name: those of this package, and those that other packages register.

Modules are imported when a name is asked for, and the installed packages are searched only for a name that is not
ours, because both take longer than everything else that making a scheduler does.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_BUILT_IN = {
    "trigger": {
        "date": "apscheduler.triggers.date:DateTrigger",
        "interval": "apscheduler.triggers.interval:IntervalTrigger",
        "cron": "apscheduler.triggers.cron:CronTrigger",
        "calendarinterval": "apscheduler.triggers.calendarinterval:CalendarIntervalTrigger",
        "and": "apscheduler.triggers.combining:AndTrigger",
        "or": "apscheduler.triggers.combining:OrTrigger",
    },
    "executor": {
        "threadpool": "apscheduler.executors.pool:ThreadPoolExecutor",
        "processpool": "apscheduler.executors.pool:ProcessPoolExecutor",
        "asyncio": "apscheduler.executors.asyncio:AsyncIOExecutor",
        "debug": "apscheduler.executors.debug:DebugExecutor",
        "gevent": "apscheduler.executors.gevent:GeventExecutor",
        "tornado": "apscheduler.executors.tornado:TornadoExecutor",
        "twisted": "apscheduler.executors.twisted:TwistedExecutor",
    },
    "jobstore": {
        "memory": "apscheduler.jobstores.memory:MemoryJobStore",
        "sqlalchemy": "apscheduler.jobstores.sqlalchemy:SQLAlchemyJobStore",
        "redis": "apscheduler.jobstores.redis:RedisJobStore",
        "zookeeper": "apscheduler.jobstores.zookeeper:ZooKeeperJobStore",
        "etcd": "apscheduler.jobstores.etcd:EtcdJobStore",
        "mongodb": "apscheduler.jobstores.mongodb:MongoDBJobStore",
        "rethinkdb": "apscheduler.jobstores.rethinkdb:RethinkDBJobStore",
    },
}
_found: dict[tuple[str, str], Any] = {}


def plugin_class(kind: str, name: str) -> Any:
    """Return the class that is registered as a trigger, executor or jobstore under `name`.

    Raises:
        LookupError: there is none; the message names the nearest.
        ImportError: its module needs a package that is not installed; the message names the extra.
        TypeError: what is registered is not of this kind.
    """
    found = _found.get((kind, name))
    if found is None:
        path = _BUILT_IN[kind].get(name)
        found = _found[kind, name] = _load(path) if path else _from_other_packages(kind, name)
    return found


def _load(path: str) -> Any:
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)


def _from_other_packages(kind: str, name: str) -> Any:
    from importlib.metadata import entry_points

    registered = entry_points(group=f"apscheduler.{kind}s")
    for entry in registered:
        if entry.name == name:
            found = entry.load()
            if not isinstance(found, type) or not issubclass(found, _base(kind)):
                raise TypeError(f"The {kind} plugin {name!r} ({entry.value}) is not a {_base(kind).__name__}")
            return found
    names = {*_BUILT_IN[kind], *(entry.name for entry in registered)}
    from difflib import get_close_matches  # only mistakes need it

    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(names))}"
    raise LookupError(f'No {kind} by the name "{name}" was found ({hint})')


def _base(kind: str) -> type:
    if kind == "trigger":
        return _load("apscheduler.triggers.base:BaseTrigger")  # type: ignore[no-any-return]
    return _load(f"apscheduler.{kind}s.base:Base{'Executor' if kind == 'executor' else 'JobStore'}")  # type: ignore[no-any-return]
