"""What all tests share."""

import signal
import sys

import pytest

# The contract suites are shipped, so they are not test files, but their asserts should explain themselves as well.
pytest.register_assert_rewrite("apscheduler.testing")

# A shell that starts a test run in the background has it ignore Ctrl-C, and so would every program that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionfinish() -> None:
    """End what runs from the first test that needs it to the last."""
    hosts = sys.modules.get("_loop_hosts")
    for end in hosts.AT_THE_END if hosts is not None else ():
        end()
