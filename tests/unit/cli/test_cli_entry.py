"""The command itself: without its extra, and what importing the package loads."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("name", ["typer", "rich"])
def test_without_the_extra_a_line_names_it(name):
    program = f"import sys; sys.modules[{name!r}] = None; from apscheduler.cli import main; main()"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr == f"Error: the command line needs {name}: pip install 'apscheduler[cli]'\n"


def test_importing_the_package_loads_neither_typer_nor_rich():
    program = (
        "import sys, apscheduler, apscheduler.cli, apscheduler.schedulers.background\n"
        "print([name for name in ('typer', 'rich', 'click') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "[]\n"


def test_completion_is_offered(cli):
    assert "--install-completion" in cli("--help").stdout
    assert "--show-completion" in cli("--help").stdout
