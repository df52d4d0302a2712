"""The program of a guide that fetches URLs at cron times, with its scheduler class and its listener.

It is two files of a package, as in the guide. It fetches from a server on the loopback interface.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from _programs import run_until

# Mended: the indentation, which the page has lost; `get_jobs()` called get_job(), which needs an id. What was read is
# kept as it is: `time_zone=`, which is a typing error for `timezone=`, the thread around a blocking scheduler, the
# `replace_existing`.
SCHEDULERS = """
from threading import Thread
from datetime import date
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.jobstores.memory import MemoryJobStore
from urllib import request
import pytz

def _get_url(sid, url):
    parameter_str = "?sid={sid}&version={version}".format(sid=sid, version=date.today())
    url = url+parameter_str
    req = request.Request(url)
    page = request.urlopen(req).read()
    page = page.decode('utf-8')
    #print(page)

class _Scheduler:
    def __init__(self):
        self.job_store = MemoryJobStore()
        jobs_tores = {
            'default': self.job_store,
        }
        tz = pytz.timezone('Asia/Shanghai')
        self._scheduler = BlockingScheduler(jobstores=jobs_tores, time_zone=tz)
        thread = Thread(target=self._scheduler.start)
        thread.start()

    def add_job_url(self, sid, url, cron_str):
        minute, hour, day, month, day_of_week = cron_str.split()
        self._scheduler.add_job(_get_url, 'cron', args=(sid, url), minute=minute,hour=hour, day=day, month=month, day_of_week=day_of_week,id=str(sid), name=str(sid), replace_existing=True)

    def remove_job(self, sid):
        self._scheduler.remove_job(str(sid))

    def get_job(self, sid):
        return self._scheduler.get_job(job_id=sid)

    def get_jobs(self):
        return self._scheduler.get_jobs()

Scheduler = _Scheduler()
"""

# Mended: the indentation; the URL, around which the page has put a link in Markdown. Shortened: instead of waiting for
# the next full minute the job is made due at once, and after its run the other methods of the class are called.
ADD_LISTENER = """
from slave_server.schedulers import Scheduler
from time import sleep
from apscheduler import events
program_sid = 1
program_cron_str_1 = '* * * * *'
program_cron_str_2 = '*/2 * * * *'


def my_listener(event):
    print(event.job_id)
    print(event.scheduled_run_times[0].strftime("%Y-%m-%d %H:%M:%S"))
    print(Scheduler.get_job(event.job_id).next_run_time.strftime("%Y-%m-%d %H:%M:%S"))
    print(Scheduler.get_job(event.job_id).trigger)


Scheduler.add_job_url(sid=1, url="@URL@", cron_str=program_cron_str_1)
# Scheduler.add_job_url(sid=2, url="http://www.baidu.com", cron_str=program_cron_str_2)
sleep(0.1)

Scheduler._scheduler.add_listener(my_listener, events.EVENT_JOB_SUBMITTED)

import datetime
Scheduler._scheduler.modify_job('1', next_run_time=datetime.datetime.now())
while not Scheduler._scheduler.get_runs('1', status='succeeded'):
    sleep(0.05)
print("jobs", [job.id for job in Scheduler.get_jobs()])
Scheduler.remove_job(1)
print("left", Scheduler.get_jobs())
"""


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A web server on a free port: its URL, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as web:
        thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{web.server_port}/page", asked
        web.shutdown()
        thread.join()


def test_urls_are_fetched_at_cron_times_and_a_listener_hears_of_it(
    tmp_path: Path, server: tuple[str, list[str]]
) -> None:
    url, asked = server
    package = tmp_path / "slave_server"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "schedulers.py").write_text(SCHEDULERS, encoding="utf-8")
    program = ADD_LISTENER.replace("@URL@", url)

    output = run_until(program, lambda text: "left []" in text, tmp_path, "Add_listener.py")

    assert len(asked) == 1
    assert re.fullmatch(r"/page\?sid=1&version=\d{4}-\d\d-\d\d", asked[0])
    assert "Unknown scheduler option time_zone is ignored; did you mean timezone?" in output
    heard = re.search(r"^1\n(.{19})\n(.{19})\n(cron.*)$", output, re.MULTILINE)
    assert heard, output
    assert heard[1] < heard[2], "a listener finds the job with its next run time already"
    assert heard[2].endswith(":00")
    assert heard[3] == "cron[month='*', day='*', day_of_week='*', hour='*', minute='*']"
    assert "jobs ['1']" in output
