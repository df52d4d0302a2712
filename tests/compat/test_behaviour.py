"""What 3.11.3 answers is what is answered here, but for what is better on purpose.

The programs are in `oracle_behaviour.py`; `behaviour-3.11.3.json` has the answers that it got from 3.11.3.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import oracle_behaviour
import pytest
from oracle_behaviour import NAMES, PROGRAMS, noop, recorded, still

from apscheduler import events

HERE = Path(__file__).parent
THEIRS: dict[str, Any] = json.loads((HERE / "behaviour-3.11.3.json").read_text())

# By program, the places in the list of answers where ours is another one, and why.
DIFFERENCES: dict[str, dict[int, tuple[Any, str]]] = {
    "names_and_references": {
        4: (
            ["Thing", None],
            "the reference of an object with __call__ leads to its class in 3.x, which is not the job",
        ),
    },
}
# Programs whose answers begin with what 3.x says, and go on with which and what to do.
GOES_ON = {"messages_that_go_on_here"}


@pytest.fixture(autouse=True)
def _quiet(caplog):
    """The programs make mistakes on purpose."""


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_gets_the_answers_of_3x(name):
    ours, theirs = json.loads(json.dumps(PROGRAMS[name]())), THEIRS[name]
    if name in GOES_ON:
        assert len(ours) == len(theirs)
        for own, other in zip(ours, theirs, strict=True):
            assert own.startswith(other)
        return
    for place, (answer, _) in DIFFERENCES.get(name, {}).items():
        assert theirs[place] != answer, "is no difference any more"
        theirs[place] = answer
    assert ours == theirs


def test_the_recorded_answers_are_those_of_the_programs():
    assert set(THEIRS) == set(PROGRAMS)


@pytest.mark.skipif(
    "APSCHEDULER_ORACLE_PYTHON" not in os.environ,
    reason="APSCHEDULER_ORACLE_PYTHON names no interpreter with 3.11.3",
)
def test_the_recorded_answers_are_those_of_3x():
    program = "import json, oracle_behaviour; print(json.dumps(oracle_behaviour.run_all()))"
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    done = subprocess.run(
        [os.environ["APSCHEDULER_ORACLE_PYTHON"], "-c", program],
        capture_output=True, text=True, check=True, timeout=60, env=environment,
    )  # fmt: skip
    assert json.loads(done.stdout.splitlines()[-1]) == json.loads(
        (HERE / "behaviour-3.11.3.json").read_text()
    )


# -- what is different on purpose ---------------------------------------------------------------------------------------------------


def codes(run: Any) -> list[str]:
    scheduler = still()
    scheduler.start()
    seen = recorded(scheduler)
    run(scheduler)
    scheduler._process_jobs()
    scheduler.shutdown()
    return [name for name, *_ in seen]


def test_a_submission_is_told_before_its_outcome():
    """3.x tells of it afterwards where the executor is quick, so a listener cannot count what is under way."""
    told = codes(
        lambda s: s.add_job(
            noop, "interval", hours=1, id="j", next_run_time="2020-01-01", misfire_grace_time=None
        )
    )
    assert told.index("EVENT_JOB_SUBMITTED") < told.index("EVENT_JOB_EXECUTED")


def test_a_job_without_its_executor_is_kept():
    """3.x removes it."""
    scheduler = still()
    scheduler.start()
    scheduler.add_job(noop, "interval", hours=1, id="j", executor="nowhere", next_run_time="2020-01-01")
    scheduler._process_jobs()
    assert scheduler.get_job("j") is not None
    scheduler.shutdown()


def test_a_text_is_no_list_of_arguments():
    """3.x takes it for a list of letters."""
    with pytest.raises(TypeError, match="args must be a list or tuple"):
        still().add_job(noop, args="x")


def test_a_pending_job_is_looked_for_in_the_store_that_is_named():
    """3.x finds it in every store, until it is started."""
    scheduler = still()
    scheduler.add_job(noop, id="j")
    assert scheduler.get_job("j", "nowhere") is None


@pytest.mark.parametrize("wrong", [(5,), (noop, "all")])
def test_what_is_no_listener_is_refused_when_it_is_added(wrong):
    """3.x fails at each event."""
    with pytest.raises(TypeError):
        still().add_listener(*wrong)


def test_an_error_of_a_lookup_is_shown_without_quotes():
    with pytest.raises(KeyError) as info:
        still().remove_job("zz")
    assert str(info.value) == "No job by the id of zz was found"


def test_events_show_their_own_class():
    """In 3.x all of them show a field name."""
    assert repr(events.JobEvent(512, "j", "default")) == "<JobEvent (code=512)>"


def test_every_code_has_a_name_here():
    assert set(oracle_behaviour.NAMES) == set(NAMES) == {1 << bit for bit in range(19)}
