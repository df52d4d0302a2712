"""Running test files once more in a program that has been prepared in another way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def run_again(preparation: str, *names: str) -> None:
    """Run test files of this folder in a process that begins with some statements; fail with what it prints."""
    code = f"{preparation}; import pytest, sys; sys.exit(pytest.main(sys.argv[1:]))"
    files = [str(HERE / name) for name in names]
    ended = subprocess.run(
        [sys.executable, "-c", code, "-q", "-x", "-p", "no:cacheprovider", *files],
        capture_output=True,
        text=True,
        timeout=55,
        env={**os.environ, "APSCHEDULER_TESTS_ELSEWHERE": "1"},
        check=False,
    )
    assert ended.returncode == 0, f"{preparation}:\n{ended.stdout[-5000:]}\n{ended.stderr[-2000:]}"
    assert " passed" in ended.stdout


def is_elsewhere() -> bool:
    """Return whether this process is such a program."""
    return "APSCHEDULER_TESTS_ELSEWHERE" in os.environ
