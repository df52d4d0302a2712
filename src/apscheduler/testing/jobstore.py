"""What every claiming job store promises, as tests: subclass `JobStoreContract` and say how a node opens
yours.

    class TestMyJobStore(JobStoreContract):
        @pytest.fixture
        def open_node(self, server_url):
            return lambda: MyJobStore(server_url)

Each call of what `open_node` returns is one more node on the same data; the suite starts and shuts down what
it opens, and needs that data to be empty at the beginning of a test. No scheduler takes part. For readable
failures, call `pytest.register_assert_rewrite("apscheduler.testing")` in a conftest.py.

The promises are those of the docstrings in `apscheduler.jobstores.base`.
"""

from __future__ import annotations

from apscheduler.testing._jobstore_claims import ClaimsContract
from apscheduler.testing._jobstore_due import DueContract
from apscheduler.testing._jobstore_finish import FinishContract
from apscheduler.testing._jobstore_jobs import JobsContract
from apscheduler.testing._jobstore_nodes import NodesContract
from apscheduler.testing._jobstore_pages import PagesContract
from apscheduler.testing._jobstore_reruns import RerunsContract
from apscheduler.testing._jobstore_runs import RunsContract
from apscheduler.testing._jobstore_v3 import V3Contract
from apscheduler.testing._jobstore_wakeups import WakeupsContract

__all__ = ("JobStoreContract",)


class JobStoreContract(
    JobsContract,
    PagesContract,
    DueContract,
    ClaimsContract,
    FinishContract,
    RunsContract,
    NodesContract,
    RerunsContract,
    V3Contract,
    WakeupsContract,
):
    """All promises of a claiming job store.

    Attributes:
        keeps_objects: whether the store keeps `Job` objects instead of bytes; then what concerns bytes is
        left out. survives_shutdown: whether the data is still there when a store is opened anew.
    """
