"""The promises of every scheduler, over the one on a Qt event loop."""

import importlib
import threading
import time

import pytest
from _elsewhere import is_elsewhere, run_again
from _loop_hosts import QtHost

from apscheduler.schedulers.qt import QtScheduler
from apscheduler.testing.driver import DriverContract


class TestQtScheduler(DriverContract):
    make_host = QtHost
    make_scheduler = QtScheduler


@pytest.fixture
def host():
    return QtHost()


@pytest.mark.skipif(is_elsewhere(), reason="this is that program")
def test_the_promises_hold_with_the_other_binding():
    run_again(
        "import sys; sys.modules['PySide6'] = None; import PyQt6.QtCore; sys.modules['PySide6.QtCore'] = None",
        "test_qt_driver.py",
    )


def test_the_binding_that_the_program_uses_is_taken():
    module = importlib.import_module("apscheduler.schedulers.qt")
    assert (module.pkgname, module.version) == (("PyQt", 6) if is_elsewhere() else ("PySide", 6))


def test_a_start_in_a_thread_that_is_not_of_qt_takes_the_applications_loop(host):
    scheduler, ran = QtScheduler(), []
    starting = threading.Thread(target=scheduler.start)
    starting.start()
    starting.join()
    scheduler.add_job(ran.append, args=[1])
    host.until(lambda: ran)
    scheduler.shutdown()


def test_a_timer_is_never_early_and_takes_any_number_of_seconds(host):
    from apscheduler.schedulers._qt_bridge import LONGEST, Bridge

    bridge, times = Bridge(), []
    timer = bridge.call_later(1e12, int)
    assert timer.interval() == LONGEST
    begin = time.monotonic()
    assert bridge.call_later(0.0501, lambda: times.append(time.monotonic() - begin)) is timer
    host.until(lambda: times)
    assert times[0] >= 0.05
    bridge.close()


def test_a_call_after_qt_has_taken_the_bridge_apart_is_dropped(host):
    """As it does at the end of the program, while a thread of a job may still report."""
    from apscheduler.schedulers._qt_bridge import Bridge, qtcore

    bridge, calls = Bridge(), []
    bridge.deleteLater()
    qtcore.QCoreApplication.sendPostedEvents(bridge, qtcore.QEvent.Type.DeferredDelete.value)
    bridge.call_soon(lambda: calls.append(1))
    for _ in range(5):
        host.let_it_run()
    assert calls == []
