"""Pickles of jobs with a common prefix: the same jobs come out, and nothing of one job is in the bytes of another."""

from __future__ import annotations

import pickle
import pickletools
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from job_parts import Thing, job

from apscheduler._definition import same_definition
from apscheduler.job import Job
from apscheduler.jobstores import _pickling
from apscheduler.jobstores._pickling import JobPickler
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

BERLIN = ZoneInfo("Europe/Berlin")
WHEN = datetime(2030, 1, 1, 12, tzinfo=UTC)


def triggers(zone):
    return [
        CronTrigger.from_crontab("*/5 3,4 last * mon-fri", timezone=zone),
        CronTrigger(day="2nd sun", timezone=zone),
        IntervalTrigger(minutes=5, start_date=WHEN, timezone=zone),
        DateTrigger("2030-01-01", timezone=zone),
        CalendarIntervalTrigger(months=1, timezone=zone),
        AndTrigger([IntervalTrigger(minutes=5, timezone=zone), CronTrigger(hour=3, timezone=zone)]),
    ]


def names_in(data):
    """The modules and names that a pickle of a protocol since 4 asks for when it is read."""
    return {argument for _, argument, _ in pickletools.genops(data) if isinstance(argument, str)}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("zone", [UTC, BERLIN, timezone(timedelta(hours=2))], ids=str)
def test_the_same_jobs_come_out_as_of_a_plain_pickle(protocol, zone):
    pickler = JobPickler(protocol)
    for trigger in [*triggers(zone), *triggers(zone)]:  # the second ones find the prefixes of the first
        one = job(args=[1, "a"], kwargs={"at": datetime.now(zone)}, trigger=trigger, next_run_time=WHEN)
        data = pickler.dumps(one.__getstate__(), trigger)
        for read in (
            pickle.loads,
            pickle._loads,
        ):  # the latter is the one in Python, which is of another hand
            came_out = Job.__new__(Job)
            came_out.__setstate__(read(data))
            assert same_definition(came_out, one)
            assert came_out.next_run_time == WHEN


def test_the_common_part_is_written_once_and_the_rest_refers_to_it():
    pickler = JobPickler(5)
    first, second = (IntervalTrigger(minutes=n, timezone=BERLIN) for n in (1, 2))
    data = pickler.dumps(job(trigger=first).__getstate__(), first)
    begin = pickler._prefixes[IntervalTrigger, BERLIN].data
    other = pickler.dumps(job(trigger=second).__getstate__(), second)
    assert data.startswith(begin)
    assert other.startswith(begin)
    assert data.count(b"Europe/Berlin") == other.count(b"IntervalTrigger") == 1
    assert len(other) < len(pickle.dumps(job(trigger=second).__getstate__(), 5)) + 40


def test_nothing_of_one_job_is_in_the_bytes_of_another():
    pickler = JobPickler(5)
    tokyo = ZoneInfo("Asia/Tokyo")
    of_things = IntervalTrigger(minutes=1, start_date=datetime(2030, 1, 1, tzinfo=tokyo), timezone=BERLIN)
    pickler.dumps(job(args=[Thing("t")], trigger=of_things).__getstate__(), of_things)
    for zone in (BERLIN, UTC):
        trigger = IntervalTrigger(minutes=1, timezone=zone)
        names = names_in(pickler.dumps(job(trigger=trigger).__getstate__(), trigger))
        assert not names & {"Thing", "Asia/Tokyo", *(["Europe/Berlin"] if zone is UTC else [])}


class OwnTrigger(IntervalTrigger):
    pass


class OwnZone(tzinfo):
    """One that cannot be a key, and may change."""

    offset = 1
    __hash__ = None

    def __eq__(self, other):
        return self is other

    def utcoffset(self, when):
        return timedelta(hours=self.offset)

    dst = utcoffset

    def tzname(self, when):
        return "own"


def test_triggers_and_zones_of_the_users_own_are_never_shared():
    pickler = JobPickler(5)
    own = OwnTrigger(minutes=1, timezone=UTC)
    assert pickler.dumps({"trigger": own}, own) == pickle.dumps({"trigger": own}, 5)
    zone = OwnZone()
    trigger = IntervalTrigger(minutes=1, timezone=zone)
    for offset in (1, 2):
        zone.offset = offset
        came_out = pickle.loads(pickler.dumps({"trigger": trigger}, trigger))["trigger"]
        assert came_out.timezone.offset == offset


def test_a_large_argument_is_kept_whole():
    trigger = IntervalTrigger(minutes=1, timezone=UTC)
    large = {"text": "x" * 200_000, "bytes": bytes(range(256)) * 1000, "trigger": trigger}
    came_out = pickle.loads(JobPickler(5).dumps(large, trigger))
    assert (came_out["text"], came_out["bytes"]) == (large["text"], large["bytes"])


def test_what_cannot_be_pickled_raises_and_leaves_nothing_behind():
    pickler = JobPickler(5)
    trigger = IntervalTrigger(minutes=1, timezone=UTC)
    expected = pickler.dumps({"trigger": trigger}, trigger)
    with pytest.raises(TypeError, match="cannot pickle"):
        pickler.dumps({"trigger": trigger, "generator": (x for x in [])}, trigger)
    assert pickler.dumps({"trigger": trigger}, trigger) == expected


def test_the_prefixes_are_bounded(monkeypatch):
    monkeypatch.setattr(_pickling, "PREFIXES", 3)
    pickler = JobPickler(5)
    for _ in range(20):
        trigger = IntervalTrigger(minutes=1, timezone=ZoneInfo.no_cache("Europe/Berlin"))
        assert pickle.loads(pickler.dumps(trigger, trigger)).interval == trigger.interval
        assert len(pickler._prefixes) <= 3
