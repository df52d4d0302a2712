"""What a job store promises about wake-ups, where its server can tell that another process changed a job."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from apscheduler.testing._jobstore_tools import LATER, NOW, OpenNodes, StoreTests, added, row_of, stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from apscheduler.jobstores.base import ClaimingJobStore

PATIENCE = 20.0


class Ear:
    """A subscription, and what was heard through it."""

    def __init__(self, store: ClaimingJobStore) -> None:
        self._heard = threading.Semaphore(0)
        self.end: Callable[[], None] | None = store.subscribe(self._heard.release)
        if self.end is None:
            pytest.skip("this server cannot tell of changes; schedulers that share it poll")
        self.wait()  # it calls when it begins to listen, because something may have happened before

    def wait(self) -> None:
        """Wait until it was called once more."""
        assert self._heard.acquire(timeout=PATIENCE), "nothing was heard"

    def forget(self) -> None:
        """Forget what was heard so far."""
        while self._heard.acquire(blocking=False):
            pass

    @property
    def silent(self) -> bool:
        """Whether nothing was heard since."""
        return not self._heard.acquire(blocking=False)


class WakeupsContract(StoreTests):
    """Wake-ups."""

    def test_a_job_that_another_node_adds_is_heard_of(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        ear = Ear(first)
        added(second)
        ear.wait()

    def test_many_jobs_that_another_node_adds_at_once_are_heard_of(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        ear = Ear(first)
        second.insert_jobs([row_of(second, f"j{n}") for n in range(20)])
        ear.wait()

    def test_a_job_that_another_node_makes_due_earlier_is_heard_of(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        added(second, at=LATER)
        ear = Ear(first)
        ear.forget()
        assert second.replace_job(stored(second)._replace(next_run_time=NOW))
        ear.wait()

    def test_what_was_heard_of_can_be_read(self, nodes: OpenNodes) -> None:
        first, second = nodes(2)
        ear = Ear(first)
        for n in range(5):
            ear.forget()
            added(second, f"j{n}")
            ear.wait()
            assert first.read_job(f"j{n}") is not None

    def test_all_nodes_that_listen_hear(self, nodes: OpenNodes) -> None:
        *listening, changing = nodes(4)
        ears = [Ear(store) for store in listening]
        added(changing)
        for ear in ears:
            ear.wait()

    def test_nothing_is_heard_after_the_end(self, nodes: OpenNodes) -> None:
        first, second, changing = nodes(3)
        ended, listening = Ear(first), Ear(second)
        assert ended.end is not None
        ended.end()
        ended.forget()
        listening.forget()
        added(changing)
        listening.wait()
        assert ended.silent
        ended.end()  # which may be said twice

    def test_a_store_that_is_shut_down_listens_no_more(self, nodes: OpenNodes) -> None:
        before = set(threading.enumerate())
        (first,) = nodes(1)
        Ear(first)
        first.shutdown()
        left = [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("APS")]
        for thread in left:
            thread.join(PATIENCE)
        assert [thread for thread in left if thread.is_alive()] == []
