"""Jobs as bytes: the pickles of 3.x."""

from __future__ import annotations

import pickle
import threading
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import job_parts
import pytest
from job_parts import WHEN, Thing, job, plain

from apscheduler._core.claims import JobRow
from apscheduler.errors import JobSerializationError, JobUnreadableError, TransientJobError
from apscheduler.jobstores import _codec
from apscheduler.jobstores._codec import JobCodec


class Scheduler:
    timezone = ZoneInfo("Asia/Tokyo")


SCHEDULER = Scheduler()


STAMP = WHEN.timestamp()


def row(one, stamp=STAMP, codec=None):
    return JobRow(one.id, stamp, 1, (codec or JobCodec()).dump(one))


def test_the_bytes_are_a_pickle_of_the_jobs_state():
    one = job(args=[1])
    state = pickle.loads(JobCodec().dump(one))
    assert (state["version"], state["func"], state["args"]) == (1, "job_parts:plain", (1,))


@pytest.mark.parametrize("protocol", [2, 4, pickle.HIGHEST_PROTOCOL])
def test_the_protocol_can_be_chosen(protocol):
    assert JobCodec(protocol).dump(job())[1] == protocol


def test_a_job_comes_back_bound_to_its_scheduler_and_store():
    one = JobCodec().load(row(job(args=[1], kwargs={"a": 2})), SCHEDULER, "alias")
    assert (one.func, one.args, one.kwargs) == (plain, (1,), {"a": 2})
    assert (one._scheduler, one._jobstore_alias, one.pending) == (SCHEDULER, "alias", False)


def test_the_rows_time_counts_and_is_told_in_the_zone_that_was_written():
    berlin = ZoneInfo("Europe/Berlin")
    one = job(next_run_time=datetime(2030, 1, 1, 12, tzinfo=berlin))
    codec = JobCodec()
    loaded = codec.load(row(one, datetime(2030, 6, 1, tzinfo=UTC).timestamp()), SCHEDULER, "a")
    assert loaded.next_run_time == datetime(2030, 6, 1, tzinfo=UTC)
    assert loaded.next_run_time.tzinfo is berlin or str(loaded.next_run_time.tzinfo) == "Europe/Berlin"
    assert codec.load(row(one, None), SCHEDULER, "a").next_run_time is None


def test_the_time_of_a_job_that_was_written_paused_is_told_in_the_schedulers_zone():
    loaded = JobCodec().load(row(job(next_run_time=None)), SCHEDULER, "a")
    assert loaded.next_run_time == WHEN
    assert loaded.next_run_time.tzinfo is SCHEDULER.timezone


def test_each_load_is_a_handle_of_its_own():
    codec = JobCodec()
    stored = row(job(kwargs={"a": 1}), codec=codec)
    one, other = (codec.load(stored, SCHEDULER, "a") for _ in range(2))
    assert one is not other
    one._modify(name="changed", kwargs={"a": 2})
    assert codec.load(stored, SCHEDULER, "a").name == "plain"
    assert other.kwargs == {"a": 1}


def test_a_job_with_arguments_that_cannot_change_is_decoded_once():
    codec = JobCodec()
    stored = row(job(args=[(1, "a")]), codec=codec)
    assert codec.load(stored, SCHEDULER, "a").trigger is codec.load(stored, SCHEDULER, "a").trigger


@pytest.mark.parametrize("value", [[1], {"a": 1}, Thing("t"), ([],), bytearray(b"x")], ids=repr)
def test_arguments_that_a_run_could_change_are_decoded_for_each_run(value):
    codec = JobCodec()
    stored = row(job(args=[value]), codec=codec)
    one, other = (codec.load(stored, SCHEDULER, "a") for _ in range(2))
    assert one.args == other.args == (value,)
    assert one.args[0] is not other.args[0]


def test_a_changed_definition_is_not_taken_for_the_one_that_is_remembered():
    codec = JobCodec()
    codec.load(row(job(args=[1]), codec=codec), SCHEDULER, "a")
    assert codec.load(row(job(args=[2]), codec=codec), SCHEDULER, "a").args == (2,)


def test_what_is_remembered_is_bounded_and_can_be_forgotten(monkeypatch):
    monkeypatch.setattr(_codec, "REMEMBERED", 5)
    codec = JobCodec()
    for number in range(20):
        codec.load(row(job(id=str(number)), codec=codec), SCHEDULER, "a")
    assert len(codec._decoded) == 5
    codec.forget("19")
    codec.forget("no such")
    assert len(codec._decoded) == 4


# -- what cannot be stored, or read ---------------------------------------------------------------------------------------------


def test_a_function_without_a_name_cannot_be_stored():
    with pytest.raises(TransientJobError, match=r"Job \(j\) cannot be added to this job store.*lambda"):
        JobCodec().dump(job(lambda: None))


LOCK = threading.Lock()


class Holder:
    def __init__(self):
        self.lock = LOCK


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"args": [1, LOCK]}, r"args\[1\] is"),
        ({"kwargs": {"conn": LOCK}}, r"kwargs\['conn'\] is"),
        ({"args": [{"a": [0, LOCK]}]}, r"args\[0\]\['a'\]\[1\] is"),
        ({"args": [Holder()]}, r"args\[0\]\.lock is"),
    ],
)
def test_of_an_argument_that_cannot_be_pickled_the_innermost_part_is_named(changes, path):
    with pytest.raises(JobSerializationError, match=f"Job j cannot be stored: {path}.*cannot be pickled"):
        JobCodec().dump(job(**changes))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage",
        pickle.dumps([1, 2]),
        pickle.dumps({"version": 1}),
        pickle.dumps({**job().__getstate__(), "version": 9}),
        pickle.dumps({**job().__getstate__(), "func": "job_parts:gone"}),
        pickle.dumps({**job().__getstate__(), "func": "no_such_module:func"}),
    ],
    ids=range(7),
)
def test_bytes_that_make_no_job_here_are_unreadable(data):
    with pytest.raises(JobUnreadableError):
        JobCodec().load(JobRow("j", 1.0, 1, data), SCHEDULER, "a")


def test_a_module_that_ends_the_program_when_it_is_imported_makes_a_job_unreadable(tmp_path, monkeypatch):
    (tmp_path / "ends_the_program.py").write_text("import sys\nsys.exit('not here')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    data = pickle.dumps({**job().__getstate__(), "func": "ends_the_program:main"})
    with pytest.raises(JobUnreadableError, match="not here"):
        JobCodec().load(JobRow("j", 1.0, 1, data), SCHEDULER, "a")


def test_a_job_is_readable_again_when_its_function_is_back(monkeypatch):
    codec = JobCodec()
    data = pickle.dumps({**job().__getstate__(), "func": "job_parts:back_again"})
    with pytest.raises(JobUnreadableError):
        codec.load(JobRow("j", 1.0, 1, data), SCHEDULER, "a")
    monkeypatch.setattr(job_parts, "back_again", plain, raising=False)
    assert codec.load(JobRow("j", 1.0, 1, data), SCHEDULER, "a").func is plain
