from __future__ import annotations

from collections.abc import Iterator

import pytest

from apscheduler.testing.manual import ManualScheduler


@pytest.fixture
def scheduler() -> Iterator[ManualScheduler]:
    scheduler = ManualScheduler()
    scheduler.start()
    scheduler.turn()
    scheduler.recorder.clear()
    yield scheduler
    if scheduler.running:
        scheduler.shutdown(wait=False)
