"""Programs from guides to APScheduler that go on for ever: each runs as written, until it has shown enough.

Waiting times are shortened (seconds=3 is 0.3, sleep(5) is 0.5). Other mends are noted at each program.

Which program of which guide is run where stands in test_seed_coverage.py.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from _programs import run_until

HELLO = """
from apscheduler.schedulers.blocking import BlockingScheduler
from datetime import datetime

def job_function():
    print("Hello World", datetime.now())

sched = BlockingScheduler()

# Schedule job_function to be called every two seconds
sched.add_job(job_function, 'interval', seconds=0.2)

sched.start()
"""

# The interface of APScheduler 2, as a guide of today still shows it. Mended: `fun()` is there; the scheduler is in the
# background, so the page's server goes on, which is a loop here.
FRONT_OF_2X = """
from apscheduler.scheduler import Scheduler

def fun():
    print("fun was called")

sched = Scheduler()

@sched.interval_schedule(seconds=0.2,misfire_grace_time=3600)
def excute_task():
    fun()

sched.start()
import time
while True:
    print("the server answers")
    time.sleep(0.1)
"""

BLOCKING = """
from apscheduler.schedulers.blocking import BlockingScheduler
import time

def job():
    print('job 3s')


if __name__=='__main__':

    sched = BlockingScheduler(timezone='MST')
    sched.add_job(job, 'interval', id='3_second_job', seconds=0.3)
    sched.start()

    while(True):
        print('main 1s')
        time.sleep(0.1)
"""

BACKGROUND = BLOCKING.replace("blocking", "background").replace("BlockingScheduler", "BackgroundScheduler")

AT_ONCE = BACKGROUND.replace("if __name__=='__main__':\n", "if __name__=='__main__':\n    job()\n")

TOO_LONG = BACKGROUND.replace(
    "print('job 3s')", "print('job 3s')\n    time.sleep(0.5)\n    print('job ends')"
)

TWO_AT_ONCE = TOO_LONG.replace(
    "    sched = BackgroundScheduler(timezone='MST')",
    "    job_defaults = { 'max_instances': 2 }\n"
    "    sched = BackgroundScheduler(timezone='MST', job_defaults=job_defaults)",
)

THREADS = """
from apscheduler.schedulers.background import BackgroundScheduler
import time,os,threading

def job():
    print('job thread_id-{0}, process_id-{1}'.format(threading.get_ident(), os.getpid()))
    time.sleep(50)

if __name__=='__main__':
    job_defaults = { 'max_instances': 20 }
    sched = BackgroundScheduler(timezone='MST', job_defaults=job_defaults)
    sched.add_job(job, 'interval', id='3_second_job', seconds=0.2)
    sched.start()

    while(True):
        print('main 1s')
        time.sleep(0.1)
"""

# Mended: the part that starts the scheduler is guarded, because worker processes may import the file; `showdown`
# is shutdown, `remove` is remove_job, and a closing quote was missing. The blocking scheduler is started in a
# thread, because nothing after its start() would run otherwise.
PROCESS_POOL = """
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.executors.pool import ThreadPoolExecutor, ProcessPoolExecutor
import os, threading, time

def func(num=10):

    for i in range(num):
        print("i = %d" % i, os.getpid())
        time.sleep(i / 1000)

if __name__ == '__main__':
    execute = {
        "default": ProcessPoolExecutor(8)
    }

    sche = BlockingScheduler(executors=execute)
    job_1 = sche.add_job(func, "interval", seconds=0.5, id="job_1")
    threading.Thread(target=sche.start).start()
    print("main", os.getpid())
    while not sche.get_runs("job_1", status="succeeded"):
        time.sleep(0.05)

    job_1.pause()
    print("paused", sche.get_job("job_1").next_run_time)
    sche.resume_job("job_1")
    print("resumed", sche.get_job("job_1").next_run_time)
    job_1.remove()
    print("removed", sche.get_job("job_1"))
    sche.shutdown()
    print("stopped", sche.running)
"""

# Mended: the body of my_job() prints; the page asks the application for an answer, as a server would.
FLASK = """
from flask import Flask
from apscheduler.schedulers.background import BackgroundScheduler

app = Flask(__name__)

def my_job():
    print("Job running...")

scheduler = BackgroundScheduler()
scheduler.add_job(my_job, 'interval', minutes=0.005)
scheduler.start()

@app.route('/')
def index():
    return "%d jobs" % len(scheduler.get_jobs())

import time
while True:
    print(app.test_client().get('/').get_data(as_text=True))
    time.sleep(0.1)
"""

# The guide advises several schedulers in one program for jobs that run at the same time.
SEVERAL = """
from apscheduler.schedulers.background import BackgroundScheduler
import threading, time

together = threading.Barrier(2, timeout=20)

def job(name):
    together.wait()
    print(name, "runs")

schedulers = [BackgroundScheduler(), BackgroundScheduler()]
for number, scheduler in enumerate(schedulers):
    scheduler.add_job(job, 'interval', [number], seconds=0.3)
    scheduler.start()
while True:
    time.sleep(1)
"""

ASYNCIO = """
import asyncio
from apscheduler.schedulers.asyncio import AsyncIOScheduler

async def job():
    print("awaited")

def plain():
    print("called")

async def main():
    scheduler = AsyncIOScheduler()
    scheduler.add_job(job, 'interval', seconds=0.2)
    scheduler.add_job(plain, 'interval', seconds=0.2)
    scheduler.start()
    await asyncio.Event().wait()

asyncio.run(main())
"""


def most_at_once(output: str) -> int:
    """Return how many runs were between their beginning and their end at the same time."""
    most = now = 0
    for line in output.splitlines():
        now += (line == "job 3s") - (line == "job ends")
        most = max(most, now)
    return most


def run(program: str, folder: Path, *wanted: str) -> str:
    """Run `program` until all of the texts have been printed."""
    return run_until(program, lambda output: all(text in output for text in wanted), folder)


def test_hello_world_every_two_seconds(tmp_path: Path) -> None:
    output = run_until(HELLO, lambda text: text.count("Hello World") >= 3, tmp_path)
    assert re.search(r"Hello World \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", output)


def test_the_interface_of_2x_runs_a_decorated_function_beside_the_server(tmp_path: Path) -> None:
    output = run_until(FRONT_OF_2X, lambda text: text.count("fun was called") >= 2, tmp_path)
    assert output.startswith("the server answers")


def test_a_blocking_scheduler_keeps_the_main_program_waiting(tmp_path: Path) -> None:
    output = run_until(BLOCKING, lambda text: text.count("job 3s") >= 3, tmp_path)
    assert "main 1s" not in output


def test_a_background_scheduler_lets_the_main_program_go_on(tmp_path: Path) -> None:
    output = run_until(BACKGROUND, lambda text: text.count("job 3s") >= 2, tmp_path)
    assert output.startswith("main 1s"), "the first run comes after one interval, not at start()"
    assert output.count("main 1s") >= 2


def test_a_job_that_is_called_before_start_runs_at_once(tmp_path: Path) -> None:
    output = run_until(AT_ONCE, lambda text: text.count("job 3s") >= 2, tmp_path)
    assert output.startswith("job 3s\nmain 1s")


def test_a_job_longer_than_its_interval_is_skipped_while_it_runs(tmp_path: Path) -> None:
    skipped = 'Skipped a run of job "job (trigger: interval[0:00:00.300000]'
    output = run_until(TOO_LONG, lambda text: skipped in text and text.count("job ends") >= 2, tmp_path)
    assert most_at_once(output) == 1


def test_with_max_instances_2_two_of_them_run_at_the_same_time(tmp_path: Path) -> None:
    output = run_until(TWO_AT_ONCE, lambda text: text.count("job ends") >= 3, tmp_path)
    assert most_at_once(output) == 2


def test_every_run_has_a_thread_of_its_own_in_one_process(tmp_path: Path) -> None:
    output = run_until(THREADS, lambda text: text.count("thread_id") >= 4, tmp_path)
    found = re.findall(r"thread_id-(\d+), process_id-(\d+)", output)
    assert len({thread for thread, _ in found}) == 4
    assert len({process for _, process in found}) == 1


def test_a_process_pool_runs_the_job_elsewhere_and_the_job_can_be_controlled(tmp_path: Path) -> None:
    output = run(PROCESS_POOL, tmp_path, "stopped False")
    main = re.search(r"main (\d+)", output)
    worker = re.search(r"i = 9 (\d+)", output)
    assert main
    assert worker
    assert main[1] != worker[1]
    assert "paused None" in output
    assert re.search(r"resumed \d{4}-", output)
    assert "removed None" in output


def test_a_flask_application_has_a_job_that_runs_beside_it(tmp_path: Path) -> None:
    pytest.importorskip("flask")
    run(FLASK, tmp_path, "Job running...", "1 jobs")


def test_two_background_schedulers_run_jobs_at_the_same_time(tmp_path: Path) -> None:
    run(SEVERAL, tmp_path, "0 runs", "1 runs")


def test_an_asyncio_scheduler_awaits_coroutines_and_calls_functions(tmp_path: Path) -> None:
    run(ASYNCIO, tmp_path, "awaited", "called")
