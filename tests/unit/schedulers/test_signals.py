"""Ctrl-C and SIGTERM end a blocking scheduler between turns, in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from _scheduler_parts import PATIENCE

from apscheduler.schedulers import _signals
from apscheduler.schedulers._loop_driver import Wakeup, loop
from apscheduler.schedulers._signals import SleepingEvent, StopSignals

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

HEAD = """
import logging, os, signal, sys, threading, time
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.schedulers.background import BackgroundScheduler
scheduler = BlockingScheduler(timezone="UTC")
def say(text):
    os.write(1, (text + "\\n").encode())
def kill(number=signal.SIGTERM):
    os.kill(os.getpid(), number)
def slow(seconds=0.3):
    say("begins"); kill(); time.sleep(seconds); say("ends")
"""


def run(program: str, returncode: int | None = 0) -> tuple[str, str]:
    """Run a program to its end; return what it wrote."""
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", HEAD + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if returncode is not None:
        assert process.returncode == returncode, process.stderr
    return process.stdout, process.stderr


def test_sigterm_waits_for_what_runs_and_exits_with_0():
    out, err = run("scheduler.add_job(slow)\nscheduler.start()\nsay('never')")
    assert out.split() == ["begins", "ends"]
    assert err == ""


@pytest.mark.parametrize("call", ["scheduler.shutdown()", "scheduler.add_job(say, args=['x'])"])
def test_a_shutdown_by_a_handler_in_the_middle_of_a_call_is_made_elsewhere(call):
    """Also where the handler does so by way of a listener, whose own caller holds nothing."""
    out, _ = run(
        f"""
        from apscheduler.events import EVENT_JOB_ADDED, EVENT_SCHEDULER_SHUTDOWN
        from apscheduler.triggers.interval import IntervalTrigger
        class Interrupted(IntervalTrigger):
            def get_next_fire_time(self, previous_fire_time, now):
                kill(signal.SIGUSR1)
                say("goes on")
                return super().get_next_fire_time(previous_fire_time, now)
        def handler(*_):
            {call}
        def on_added(event):
            if scheduler.running:
                scheduler.shutdown()
        scheduler = BackgroundScheduler(timezone="UTC")
        scheduler.add_listener(on_added, EVENT_JOB_ADDED)
        scheduler.add_listener(lambda _: say(threading.current_thread().name), EVENT_SCHEDULER_SHUTDOWN)
        signal.signal(signal.SIGUSR1, handler)
        scheduler.start(paused=True)
        scheduler.add_job(say, Interrupted(hours=1), args=["x"])
        """
    )
    assert set(out.splitlines()) == {"goes on", "APScheduler-shutdown"}


def test_sigint_is_a_keyboard_interrupt_after_a_graceful_end():
    out, _ = run(
        """
        scheduler.add_job(lambda: (say("begins"), kill(signal.SIGINT), time.sleep(0.2), say("ends")))
        try:
            scheduler.start()
        except KeyboardInterrupt:
            say(f"interrupted {scheduler.running}")
        """
    )
    assert out.split("\n")[:-1] == ["begins", "ends", "interrupted False"]


def test_an_uncaught_ctrl_c_ends_the_program_as_usual():
    _, err = run(
        "scheduler.add_job(lambda: kill(signal.SIGINT))\nscheduler.start()", returncode=-signal.SIGINT
    )
    assert "KeyboardInterrupt" in err


def test_the_usual_pattern_of_3x_programs_ends_in_peace():
    out, err = run(
        """
        scheduler.add_job(slow)
        try:
            scheduler.start()
        except (KeyboardInterrupt, SystemExit):
            scheduler.shutdown()
            say("down")
        """
    )
    assert out.split() == ["begins", "ends", "down"]
    assert err == ""


def test_the_usual_pattern_forgives_one_shutdown_only():
    out, _ = run(
        """
        from apscheduler.schedulers import SchedulerNotRunningError
        scheduler.add_job(kill)
        try:
            scheduler.start()
        except SystemExit:
            scheduler.shutdown()
        try:
            scheduler.shutdown()
        except SchedulerNotRunningError:
            say("not running")
        """
    )
    assert out == "not running\n"


def test_a_second_ctrl_c_stops_waiting():
    out, _ = run(
        """
        def job():
            say("begins"); kill(signal.SIGINT)
            while scheduler.running: time.sleep(0.01)
            kill(signal.SIGINT); time.sleep(0.3)
            say("ends")
        scheduler.add_job(job)
        try:
            scheduler.start()
        except KeyboardInterrupt:
            say("interrupted")
            os._exit(7)
        """,
        returncode=7,
    )
    assert out.split() == ["begins", "interrupted"]


def test_a_signal_that_comes_before_the_first_sleep_is_heard():
    out, _ = run("scheduler.add_listener(lambda e: kill(), 1)\nscheduler.start()")
    assert out == ""


def test_a_handler_that_the_program_has_installed_is_left_alone():
    out, _ = run(
        """
        def handler(*_):
            say("mine"); scheduler.shutdown(wait=False)
        signal.signal(signal.SIGTERM, handler)
        scheduler.add_job(kill)
        scheduler.start()
        say("returned")
        """
    )
    assert out.split() == ["mine", "returned"]


def test_handlers_are_put_back_when_the_scheduler_has_ended():
    run(
        """
        scheduler.add_job(lambda: scheduler.shutdown(wait=False))
        scheduler.start()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        """
    )


def test_a_run_that_a_signal_meets_is_recorded():
    out, _ = run(
        """
        scheduler.add_job(slow, id="j", args=[0.05])
        try:
            scheduler.start()
        except SystemExit:
            say(str([(run.job_id, run.status) for run in scheduler.get_runs()]))
        """
    )
    assert out.split("\n")[2] == "[('j', 'succeeded')]"


def test_a_program_that_ends_without_a_shutdown_lets_what_runs_end():
    out, err = run(
        """
        background = BackgroundScheduler(timezone="UTC")
        background.start()
        begun = threading.Event()
        background.add_job(lambda: (begun.set(), time.sleep(0.2), say("ends")))
        begun.wait()
        """
    )
    assert out == "ends\n"
    assert err == ""


def test_a_background_scheduler_does_not_touch_signals_and_ends_with_its_program():
    _, err = run(
        """
        background = BackgroundScheduler(timezone="UTC")
        background.add_job(time.sleep, "interval", args=[0], seconds=0.01)
        background.start()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        time.sleep(0.05)
        kill()
        time.sleep(5)
        """,
        returncode=-signal.SIGTERM,
    )
    assert "Traceback" not in err


def test_a_thread_that_is_no_daemon_keeps_the_program_alive_until_the_shutdown():
    out, _ = run(
        """
        # A pool of the standard library takes no more work once the main thread has ended, here as in 3.x.
        background = BackgroundScheduler(timezone="UTC", daemon=False, executors={"default": {"type": "debug"}})
        count = []
        def job():
            count.append(1)
            if len(count) == 3:
                say("third"); background.shutdown(wait=False)
        background.add_job(job, "interval", seconds=0.02)
        background.start()
        """
    )
    assert out == "third\n"


# -- in this process -----------------------------------------------------------------------------------------------------------


def test_a_signal_is_held_back_until_the_scheduler_sleeps():
    heard = []
    with StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        heard.append("not yet")
        with pytest.raises(SystemExit) as info, signals.raising():
            heard.append("never")
    assert heard == ["not yet"]
    assert info.value.code == 0
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_scheduler_that_never_finds_time_to_sleep_hears_signals_too():
    turns = []

    def turn():
        turns.append(1)
        if len(turns) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        assert len(turns) < 10
        return 0.0

    with StopSignals() as signals, pytest.raises(SystemExit):
        loop(SleepingEvent(Wakeup(), signals), lambda: True, turn)
    assert len(turns) == 3


def test_a_signal_interrupts_a_sleep_at_once():
    main = threading.main_thread().ident
    event = Wakeup()
    started = time.monotonic()
    threading.Timer(0.05, lambda: signal.pthread_kill(main, signal.SIGINT)).start()
    with StopSignals() as signals, pytest.raises(KeyboardInterrupt):
        SleepingEvent(event, signals).wait(PATIENCE)
    assert time.monotonic() - started < PATIENCE / 2


def test_in_another_thread_no_handler_is_installed():
    seen = []

    def enter():
        with StopSignals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL]


def test_a_signal_that_did_not_wake_the_thread_is_heard_all_the_same(monkeypatch):
    """As where it comes just before the thread falls asleep."""
    monkeypatch.setattr(_signals, "LONGEST_PIECE", 0.01)

    class Deaf(Wakeup):
        naps = 0

        def wait(self, seconds=None):
            self.naps += 1
            if self.naps == 3:
                signals._pending = SystemExit(0)
            return super().wait(seconds)

    with StopSignals() as signals, pytest.raises(SystemExit):
        SleepingEvent(Deaf(), signals).wait(PATIENCE)


def test_of_two_signals_at_once_the_first_is_raised_and_the_second_kept():
    with StopSignals() as signals:
        with pytest.raises(KeyboardInterrupt), signals.raising():
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(SystemExit), signals.raising():
            pass
