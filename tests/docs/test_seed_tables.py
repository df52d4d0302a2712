"""Programs from guides to APScheduler that say when to run: each is executed as written, and its jobs are looked at.

Mends are noted at each program. `job_func(text)` of the guides is given its argument where it was forgotten, because
`add_job()` refuses a call that cannot succeed, as APScheduler 3 does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from apscheduler.job import Job

Execute = Callable[[str], dict[str, Any]]

HEAD = """
import datetime
from apscheduler.schedulers.background import BackgroundScheduler

def job_func(text='text'):
    print(text)

scheduler = BackgroundScheduler()
"""


def fire_times(job: Job, since: datetime, number: int) -> list[str]:
    """Return the first fire times of a job's trigger after `since`, without their time zone."""
    times, previous = [], None
    for _ in range(number):
        previous = job.trigger.get_next_fire_time(previous, previous or since)
        if previous is None:
            break
        times.append(f"{previous:%a %Y-%m-%d %H:%M:%S}")
    return times


def local(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day).astimezone()


# -- date ---------------------------------------------------------------------------------------------------------


def test_date_takes_a_date_a_datetime_and_a_text_and_what_is_long_past_is_recorded_as_missed(
    execute: Execute,
) -> None:
    space = execute("""
        from datetime import datetime
        from datetime import date
        from apscheduler.schedulers.background import BackgroundScheduler

        def job_func(text):
            print(text)

        scheduler = BackgroundScheduler()
        scheduler .add_job(job_func, 'date', run_date=date(2017, 12, 13), args=['text'])
        scheduler .add_job(job_func, 'date', run_date=datetime(2017, 12, 13, 14, 0, 0), args=['text'])
        scheduler .add_job(job_func, 'date', run_date='2017-12-13 14:00:01', args=['text'])

        scheduler.start()
    """)
    scheduler = space["scheduler"]
    scheduler.shutdown()
    runs = scheduler.get_runs()
    assert [run.status for run in runs] == ["missed"] * 3
    expected = [datetime(2017, 12, 13, 14, 0, 1), datetime(2017, 12, 13, 14), datetime(2017, 12, 13)]
    assert [run.run_time for run in runs] == [time.astimezone(UTC) for time in expected]


@pytest.mark.parametrize(
    ("arguments", "time"),
    [
        ("'date', run_date=datetime.datetime(2120, 12, 12, 15, 30)", datetime(2120, 12, 12, 15, 30)),
        ("'date', run_date=datetime.datetime(2123, 8, 1, 15, 30)", datetime(2123, 8, 1, 15, 30)),
        ("'date', run_date=datetime.date(2117, 12, 13)", datetime(2117, 12, 13)),
        ("'date', run_date='2117-12-13 14:00:01'", datetime(2117, 12, 13, 14, 0, 1)),
    ],
)
def test_date_runs_once_at_the_time_that_is_given(execute: Execute, arguments: str, time: datetime) -> None:
    # Mended: the dates of the guides have passed, so these are a hundred years later.
    scheduler = execute(f"{HEAD}scheduler.add_job(job_func, {arguments})")["scheduler"]
    scheduler.start(paused=True)
    [job] = scheduler.get_jobs()
    assert job.next_run_time == time.astimezone()


# -- interval -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "seconds"),
    [
        ("seconds=2", 2),
        ("seconds=10", 10),
        ("seconds=300", 300),
        ("minutes=1", 60),
        ("minutes=2", 120),
        ("minutes=5", 300),
        ("hours=6", 6 * 3600),
        ("weeks=1, days=1, hours=1, minutes=1, seconds=1", 694861),
    ],
)
def test_interval_runs_first_after_one_interval(execute: Execute, arguments: str, seconds: float) -> None:
    before = datetime.now(UTC)
    scheduler = execute(f"{HEAD}scheduler.add_job(job_func, 'interval', {arguments})")["scheduler"]
    scheduler.start(paused=True)
    [job] = scheduler.get_jobs()
    assert 0 <= (job.next_run_time - before).total_seconds() - seconds < 5
    assert job.trigger.interval.total_seconds() == seconds


def test_interval_between_two_dates(execute: Execute) -> None:
    space = execute(f"""{HEAD}
job = scheduler .add_job(job_func, 'interval', hours=2, start_date='2018-01-10 09:30:00', end_date='2018-01-10 14:00:00')
    """)
    assert fire_times(space["job"], local(2018, 1, 1), 5) == [
        "Wed 2018-01-10 09:30:00",
        "Wed 2018-01-10 11:30:00",
        "Wed 2018-01-10 13:30:00",
    ]


def test_interval_whose_end_has_passed_is_kept_but_never_runs(
    execute: Execute, caplog: pytest.LogCaptureFixture
) -> None:
    scheduler = execute(f"""{HEAD}
scheduler .add_job(job_func, 'interval', minutes=2)
scheduler .add_job(job_func, 'interval', minutes=2, start_date='2017-12-13 14:00:01' , end_date='2017-12-13 14:00:10')

scheduler.start()
    """)["scheduler"]
    assert [job.next_run_time is None for job in scheduler.get_jobs()] == [False, True]
    assert "will never run" in caplog.text


# -- cron ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "times"),
    [
        ("hour=1, minute=5", ["Mon 2018-01-01 01:05:00", "Tue 2018-01-02 01:05:00"]),
        ("hour =19 , minute =23", ["Mon 2018-01-01 19:23:00", "Tue 2018-01-02 19:23:00"]),
        ("hour ='19', minute ='23'", ["Mon 2018-01-01 19:23:00", "Tue 2018-01-02 19:23:00"]),
        (
            "hour ='19-21', minute= '23'",
            ["Mon 2018-01-01 19:23:00", "Mon 2018-01-01 20:23:00", "Mon 2018-01-01 21:23:00"],
        ),
        ("hour='6', minute='30'", ["Mon 2018-01-01 06:30:00", "Tue 2018-01-02 06:30:00"]),
        ("hour='0'", ["Mon 2018-01-01 00:00:00", "Tue 2018-01-02 00:00:00"]),
        ("hour='0-23/2'", ["Mon 2018-01-01 00:00:00", "Mon 2018-01-01 02:00:00"]),
        ("day_of_week='mon-fri', hour='1'", ["Mon 2018-01-01 01:00:00", "Tue 2018-01-02 01:00:00"]),
        # The guide says Monday to Friday; 1-5 is Tuesday to Saturday, because Monday is 0, as in APScheduler 3.
        ('day_of_week="1-5", hour=6, minute=30', ["Tue 2018-01-02 06:30:00", "Wed 2018-01-03 06:30:00"]),
        (
            "day_of_week='mon-fri', hour='9', minute='30', second='10'",
            ["Mon 2018-01-01 09:30:10", "Tue 2018-01-02 09:30:10"],
        ),
        (
            "month='1,3,5,7-9', day='*', hour='14', minute='*'",
            ["Mon 2018-01-01 14:00:00", "Mon 2018-01-01 14:01:00"],
        ),
        (
            "month='6-8,11-12', day='3rd fri', hour='0-3'",
            ["Fri 2018-06-15 00:00:00", "Fri 2018-06-15 01:00:00", "Fri 2018-06-15 02:00:00"],
        ),
        # Mended: day='0, tue' is day_of_week='0, tue'; that it is not a day is tested below.
        (
            "month='1-3,7-9',day_of_week='0, tue', hour='0-3'",
            ["Mon 2018-01-01 00:00:00", "Mon 2018-01-01 01:00:00", "Mon 2018-01-01 02:00:00"],
        ),
    ],
)
def test_cron_runs_when_the_guide_says(execute: Execute, arguments: str, times: list[str]) -> None:
    job = execute(f"{HEAD}job = scheduler .add_job(job_func, 'cron', {arguments})")["job"]
    assert fire_times(job, local(2018, 1, 1), len(times)) == times


def test_a_weekday_among_the_days_of_the_month_is_refused_with_what_to_write_instead(
    execute: Execute,
) -> None:
    with pytest.raises(ValueError, match=r"'day'.*day_of_week='tue'"):
        execute(f"{HEAD}scheduler .add_job(job_func, 'cron', month='1-3,7-9',day='0, tue', hour='0-3')")


def test_all_cron_arguments_of_the_table_are_taken_together(execute: Execute) -> None:
    job = execute(f"""{HEAD}
job = scheduler.add_job(
    job_func, 'cron', year='2018-2030', month='1-12', day='1-31', week='1-53', day_of_week='0-6', hour='0-23',
    minute='0-59', second='0-59/30', start_date='2018-01-01', end_date='2018-01-01 00:00:45', timezone='Asia/Shanghai')
    """)["job"]
    times = fire_times(job, datetime(2017, 1, 1, tzinfo=UTC), 5)
    assert times == ["Mon 2018-01-01 00:00:00", "Mon 2018-01-01 00:00:30"]


# -- several functions, each with its trigger -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("functions", "calls"),
    [
        # Data analysis: collect, then analyse.
        (
            ["collect_data", "analyze_data"],
            ["(collect_data, 'interval', hours=6)", "(analyze_data, 'cron', hour='0')"],
        ),
        # A test runner.
        (["run_tests"], ["(run_tests, 'cron', day_of_week='mon-fri', hour='1')"]),
        # Devices.
        (
            ["check_sensor", "control_device"],
            ["(check_sensor, 'interval', seconds=10)", "(control_device, 'cron', hour='0-23/2')"],
        ),
    ],
)
def test_programs_with_functions_of_their_own_run_them(
    execute: Execute, functions: list[str], calls: list[str]
) -> None:
    # Mended: the functions consist of a comment in the guide; these note that they were called. Shortened: instead of
    # hours the test waits until each job has run once, now.
    lines = ["import threading", "from apscheduler.schedulers.background import BackgroundScheduler"]
    for name in functions:
        lines += [f"{name}_called = threading.Event()", f"def {name}():", f"    {name}_called.set()"]
    lines += ["scheduler = BackgroundScheduler()", *(f"scheduler.add_job{call}" for call in calls)]
    space = execute("\n".join([*lines, "scheduler.start()"]))
    for job in space["scheduler"].get_jobs():
        job.modify(next_run_time=datetime.now(UTC))
    for name in functions:
        assert space[f"{name}_called"].wait(10)
