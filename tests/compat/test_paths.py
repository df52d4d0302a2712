"""Everything that a program for 3.x imports is where it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from apscheduler.util import ref_to_obj

LINES = Path(__file__).with_name("paths.txt").read_text().splitlines()
PATHS = [line for line in LINES if line and not line.startswith("#")]


@pytest.mark.parametrize("path", PATHS)
def test_an_import_path_of_3x_works(path):
    assert ref_to_obj(path) is not None or path.endswith("__doc__")


def test_the_version_is_one_that_packages_which_need_a_3x_accept():
    import apscheduler

    assert apscheduler.version == apscheduler.release == "3.20.0"
