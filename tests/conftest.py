"""What all tests share."""

import pytest

# The contract suites are shipped, so they are not test files, but their asserts should explain themselves as well.
pytest.register_assert_rewrite("apscheduler.testing")
