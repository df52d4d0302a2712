"""Everything that a program for 3.x imports is where it was."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from apscheduler.util import ref_to_obj

# Modules of 3.x that come later.
TO_COME = {
    "apscheduler.jobstores.mongodb",
    "apscheduler.jobstores.rethinkdb",
}
LINES = Path(__file__).with_name("paths.txt").read_text().splitlines()
PATHS = [
    line for line in LINES if line and not line.startswith("#") and line.partition(":")[0] not in TO_COME
]


@pytest.mark.parametrize("path", PATHS)
def test_an_import_path_of_3x_works(path):
    assert ref_to_obj(path) is not None or path.endswith("__doc__")


@pytest.mark.parametrize("module", sorted(TO_COME))
def test_a_module_that_is_to_come_is_not_there_yet(module):
    """Take it out of the list when it is: then its names are checked."""
    with pytest.raises(ImportError):
        import_module(module)


def test_the_version_is_one_that_packages_which_need_a_3x_accept():
    import apscheduler

    assert apscheduler.version == apscheduler.release == "3.20.0"
