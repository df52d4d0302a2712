"""Pickles go both ways: what 3.11.3 wrote is read here, and what is written here is read by 3.11.3.

Set APSCHEDULER_ORACLE_PYTHON to an interpreter with apscheduler==3.11.3 for the second half.
"""

import base64
import json
import os
import pickle
import pickletools
import random
import subprocess
from pathlib import Path

import pytest
import trigger_specs as specs

from apscheduler.jobstores._pickling import JobPickler

HERE = Path(__file__).parent
ENTRIES = json.loads((HERE / "pickles.json").read_text(encoding="utf-8"))
ORACLE = os.environ.get("APSCHEDULER_ORACLE_PYTHON")

READ_BY_ORACLE = """
import base64, json, pickle, sys
sys.path.insert(0, sys.argv[1])
import trigger_specs as specs
triggers = [pickle.loads(base64.b64decode(line)) for line in sys.stdin]
print(json.dumps([[repr(trigger), specs.fires(trigger)] for trigger in triggers]))
"""


def ids(entry):
    return f"{entry['trigger'][0]}-{ENTRIES.index(entry)}"


@pytest.mark.parametrize("entry", ENTRIES, ids=ids)
def test_a_pickle_of_3x_is_read(entry):
    trigger = pickle.loads(base64.b64decode(entry["pickle"]))
    assert repr(trigger) == entry["repr"]
    assert specs.fires(trigger) == entry["fires"]


@pytest.mark.parametrize("entry", ENTRIES, ids=ids)
def test_a_trigger_made_here_is_the_one_that_3x_made(entry):
    """Same repr, same fire times, and a pickle that names the same classes and holds the same values."""
    trigger = specs.build(entry["trigger"])
    assert repr(trigger) == entry["repr"]
    assert specs.fires(trigger) == entry["fires"]
    theirs = base64.b64decode(entry["pickle"])
    assert contents(pickle.dumps(trigger, 4)) == contents(repickled(theirs))


def repickled(data):
    """What 3.x wrote, as this process writes it after reading it."""
    return pickle.dumps(pickle.loads(data), 4)


def contents(data):
    """Every text, number and class name in a pickle, in order, without the bookkeeping of the pickler."""
    return [
        (opcode.name, argument)
        for opcode, argument, _ in pickletools.genops(data)
        if opcode.name not in ("MEMOIZE", "FRAME", "PROTO", "BINGET", "LONG_BINGET")
    ]


@pytest.mark.parametrize("entry", ENTRIES, ids=ids)
def test_a_pickle_names_only_classes_that_3x_has(entry):
    """Nothing of ours may be needed to read it: neither a class nor an attribute."""
    ours, theirs = pickle.dumps(specs.build(entry["trigger"]), 4), base64.b64decode(entry["pickle"])
    assert texts(ours) <= texts(theirs) | {"builtins", "getattr", "copyreg", "_reconstructor", "object"}


def texts(data):
    """The texts in a pickle; in old protocols a class is one text with a blank in it."""
    found = set()
    for opcode, argument, _ in pickletools.genops(data):
        if isinstance(argument, str):
            found.update(argument.split(" ") if opcode.name == "GLOBAL" else [argument])
    return found


@pytest.mark.skipif(
    ORACLE is None, reason="APSCHEDULER_ORACLE_PYTHON does not name an interpreter with 3.11.3"
)
@pytest.mark.timeout(120)
def test_3x_reads_what_is_pickled_here_and_fires_at_the_same_times():
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown where the test fails
    rng = random.Random(seed)
    from record_pickles import EXTRA, random_steady_trigger

    triggers = [specs.build(spec) for spec in EXTRA + [random_steady_trigger(rng) for _ in range(150)]]
    dumps = JobPickler(pickle.HIGHEST_PROTOCOL).dumps  # as a store does
    lines = "\n".join(base64.b64encode(dumps(trigger, trigger)).decode() for trigger in triggers)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    answer = subprocess.run(
        [str(ORACLE), "-c", READ_BY_ORACLE, str(HERE)],
        input=lines,
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        timeout=110,
    )
    theirs = json.loads(answer.stdout)
    assert theirs == [[repr(trigger), specs.fires(trigger)] for trigger in triggers]
