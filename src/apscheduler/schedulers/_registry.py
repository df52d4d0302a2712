"""The job stores and executors of one scheduler, by alias, with what the engine knows of each store."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from threading import RLock
from typing import Any

from apscheduler._core.aside import Aside
from apscheduler._core.claims import Claim, Finish, RunKey
from apscheduler._core.leases import Sighting
from apscheduler._core.sharing import WHOLE, Share
from apscheduler._notes import noted
from apscheduler.executors.base import BaseExecutor
from apscheduler.jobstores.base import BaseJobStore, ClaimingJobStore

_OURS = ("apscheduler.", "django_apscheduler.")
_METHODS_OF_3X = (
    "lookup_job", "get_due_jobs", "get_next_run_time", "get_all_jobs", "add_job", "update_job", "remove_job",
    "remove_all_jobs",
)  # fmt: skip
_logger = logging.getLogger("apscheduler.scheduler")


class StoreSlot:
    """One job store of a scheduler.

    `outcomes` wait to be written by the next turn. `dirty` asks the next turn to read the store although nothing that
    is known of is due. `next_due` is the earliest run time that is known of. `others` is how many other schedulers live
    in this store, as far as the last heartbeat saw, and `share` which of many due jobs fall to this one, as was found
    at `shared_at` (monotonic); it reads only those while the store is `crowded`, and helps the others with theirs from
    `help_at` (monotonic) on. `unclear` are the turn's plans whose claims the store has not answered, a list for each
    call, `unclear_reruns` the repetitions. `reruns_asked` has the next turn look for runs to be repeated, of which
    `unrepeatable` cannot be run here. A turn that has begun early lets no run begin before `hold_until`. `suspects` are
    runs that others may have recorded as interrupted. `beaten_at` is when the last heartbeat was written, on the wall
    clock and on the monotonic one.
    """

    def __init__(self, alias: str, store: BaseJobStore) -> None:
        self.alias = alias
        self.given = store
        self.store: ClaimingJobStore = _claiming(store, alias)
        self.started = False
        self.dirty = True
        self.next_due: float | None = None
        self.hold_until: float | None = None
        self._noted: float | None = None
        self._guard = RLock()
        self.outcomes: deque[Finish] = deque()
        self.writing: list[Finish] = []
        self.flush_asked = False
        self.aside: dict[str, Aside] = {}
        self.to_record: list[Claim] = []
        self.unclear: list[list[Any]] = []
        self.reruns_asked = False
        self.unclear_reruns: list[Any] = []
        self.unrepeatable: set[RunKey] = set()
        self.suspects: set[RunKey] = set()
        self.beaten_at: tuple[float, float] | None = None
        self.error: BaseException | None = None
        self.failing_since: float | None = None
        self.retry_at: float | None = None
        self.others = 0
        self.share: Share = WHOLE
        self.crowded = False
        self.help_at: float | None = None
        self.shared_at = 0.0
        self.poll_at = 0.0
        self.unsubscribe: Callable[[], None] | None = None
        self.sightings: dict[str, Sighting] = {}
        self.pruned_at = 0.0

    def knows(self, stamp: float) -> bool:
        """Whether `note()` of something that is due at `stamp`, and stored, would change nothing.

        Without the lock, because a reading that begins from now on sees what is stored, and one that has begun before
        makes `_noted` None.
        """
        noted, due = self._noted, self.next_due
        return noted is not None and noted <= stamp and due is not None and due <= stamp

    def note(self, stamp: float) -> bool:
        """Note that something is due at `stamp`; return whether that is earlier than all that was known of."""
        with self._guard:
            if self._noted is None or stamp < self._noted:
                self._noted = stamp
            if self.next_due is None or stamp < self.next_due:
                self.next_due = stamp
                return True
        return False

    def begin_reading(self) -> None:
        """Say that the store is about to be read."""
        with self._guard:
            self._noted = None
            self.dirty = False

    def end_reading(self, next_due: float | None) -> None:
        """Take over what was read, and what was noted since the reading began, which it may not have seen."""
        with self._guard:
            if self._noted is not None and (next_due is None or self._noted < next_due):
                next_due = self._noted
            self.next_due = next_due

    def take_outcomes(self, most: int) -> list[Finish]:
        """Take up to `most` waiting outcomes, oldest first."""
        outcomes: list[Finish] = []
        try:
            while len(outcomes) < most:
                outcomes.append(self.outcomes.popleft())
        except IndexError:
            pass
        return outcomes


def _no_such(what: str, alias: str, there: Iterable[str]) -> KeyError:
    names = ", ".join(there) or "none before start()"
    note = f"This scheduler has {names}; add_{what.replace(' ', '')}() adds one."
    return noted(KeyError(f"No such {what}: {alias}"), note)


def _claiming(store: BaseJobStore, alias: str) -> ClaimingJobStore:
    """Return `store` under the claiming contract; one that is written for 3.x, or changes ours as for 3.x, guarded."""
    overridden: list[str] = []
    if isinstance(store, ClaimingJobStore):
        overridden = _overridden(type(store))
        if not overridden:
            return store
        _logger.warning(
            'Job store "%s": %s overrides %s, so it is asked as in 3.x: by one scheduler, that must not share it, with'
            " the record of runs in memory. To keep what it is a subclass for, override the methods of"
            " ClaimingJobStore instead (insert_jobs, replace_job, delete_jobs, read_job, read_jobs, read_due, claim)",
            alias,
            type(store).__name__,
            ", ".join(overridden),
            extra={"event": "store_of_3x"},
        )
    from apscheduler.jobstores._single_node import SingleNodeStore  # only such stores need it

    return SingleNodeStore(store)


def _overridden(cls: type) -> list[str]:
    """Return the methods of 3.x that a subclass of one of our stores overrides, and that would not be called."""
    found: list[str] = []
    for base in cls.__mro__:
        if base.__module__.startswith(_OURS):
            return found if base is not ClaimingJobStore else []  # one that is written for claims throughout
        found += [name for name in _METHODS_OF_3X if name in vars(base)]
    return found


class Registry:
    """Job stores and executors by alias. Aliases are looked up without a lock; changes replace the dicts."""

    def __init__(self) -> None:
        self._lock = RLock()
        self.slots: dict[str, StoreSlot] = {}
        self.executors: dict[str, BaseExecutor] = {}

    def add_store(self, alias: str, store: BaseJobStore) -> StoreSlot:
        """Add a store; ValueError where the alias is taken."""
        with self._lock:
            if alias in self.slots:
                raise noted(
                    ValueError(f'This scheduler already has a job store by the alias of "{alias}"'),
                    "Give another alias, or call remove_jobstore() first.",
                )
            slot = StoreSlot(alias, store)
            self.slots = {**self.slots, alias: slot}
        return slot

    def remove_store(self, alias: str) -> StoreSlot:
        """Take a store out and return it; KeyError where there is none."""
        with self._lock:
            slot = self.store(alias)
            self.slots = {key: value for key, value in self.slots.items() if key != alias}
        return slot

    def add_executor(self, alias: str, executor: BaseExecutor) -> None:
        """Add an executor; ValueError where the alias is taken."""
        with self._lock:
            if alias in self.executors:
                raise noted(
                    ValueError(f'This scheduler already has an executor by the alias of "{alias}"'),
                    "Give another alias, or call remove_executor() first.",
                )
            self.executors = {**self.executors, alias: executor}

    def remove_executor(self, alias: str) -> BaseExecutor:
        """Take an executor out and return it; KeyError where there is none."""
        with self._lock:
            executor = self.executor(alias)
            self.executors = {key: value for key, value in self.executors.items() if key != alias}
        return executor

    def store(self, alias: str) -> StoreSlot:
        """Return the store with this alias; KeyError where there is none."""
        try:
            return self.slots[alias]
        except KeyError:
            raise _no_such("job store", alias, self.slots) from None

    def executor(self, alias: str) -> BaseExecutor:
        """Return the executor with this alias; KeyError where there is none."""
        try:
            return self.executors[alias]
        except KeyError:
            raise _no_such("executor", alias, self.executors) from None

    def __iter__(self) -> Iterator[StoreSlot]:
        return iter(self.slots.values())
