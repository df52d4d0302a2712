import pytest

from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.testing.jobstore import JobStoreContract


class TestMemory(JobStoreContract):
    """Several nodes in one process, on one store."""

    keeps_objects = True
    survives_shutdown = False

    @pytest.fixture
    def open_node(self):
        store = MemoryJobStore()
        return lambda: store
