"""What all tests share."""

import signal
import sys
import threading
import traceback
from collections.abc import Iterator

import pytest

# The contract suites are shipped, so they are not test files, but their asserts should explain themselves as well.
pytest.register_assert_rewrite("apscheduler.testing")

# A shell that starts a test run in the background has it ignore Ctrl-C, and so would every program that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


LEFT_BEHIND: list[str] = []
"""Which tests left a thread of a scheduler running, and where that stands; shown at the end of the run."""


@pytest.fixture(autouse=True)
def _who_leaves_a_scheduler_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    for thread in threading.enumerate():
        if thread.name in ("APScheduler", "APScheduler-heartbeat") and thread not in before:
            thread.join(3.0)  # which may be about to end
            frame = sys._current_frames().get(thread.ident or 0)
            if thread.is_alive() and frame is not None:
                stack = "".join(traceback.format_stack(frame))
                LEFT_BEHIND.append(f"{request.node.nodeid} left {thread.name} running:\n{stack}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was left behind: others must not stumble over it, and it should not be."""
    for left in LEFT_BEHIND:
        terminalreporter.write_line(left)


def pytest_sessionfinish() -> None:
    """End what runs from the first test that needs it to the last."""
    hosts = sys.modules.get("_loop_hosts")
    for end in hosts.AT_THE_END if hosts is not None else ():
        end()
