"""The promises of every scheduler, over the one in a greenlet: in a program as it is, and in a patched one."""

import pytest
from _elsewhere import is_elsewhere, run_again
from _loop_hosts import GeventHost

from apscheduler.schedulers.gevent import GeventScheduler
from apscheduler.testing.driver import DriverContract, SlowStore


class TestGeventScheduler(DriverContract):
    runs_jobs_on_the_loop = True
    make_host = GeventHost
    make_scheduler = GeventScheduler


@pytest.mark.skipif(is_elsewhere(), reason="this is that program")
def test_the_promises_hold_in_a_program_that_gevent_has_patched():
    """There threads are greenlets, also those of the tests."""
    run_again(
        "from gevent import monkey; monkey.patch_all()", "test_gevent_driver.py", "test_gevent_executor.py"
    )


def test_a_greenlet_that_is_killed_during_a_turn_ends_the_loop(host, store):
    """Not so what the killing interrupts: the store answers in its thread."""
    import gevent

    scheduler = GeventScheduler(timezone="UTC", jobstores={"default": store})
    greenlet = host.call(scheduler.start)
    store.hold()
    scheduler.add_job(int, id="j", misfire_grace_time=None)
    host.until(store.asked.is_set)
    host.call(lambda: greenlet.kill(block=False))
    host.until(lambda: greenlet.dead)
    assert isinstance(greenlet.value, gevent.GreenletExit)
    assert not scheduler.health().ok
    store.answers.set()
    host.call(scheduler.shutdown)


def test_a_shutdown_with_a_timeout_lets_greenlets_end_meanwhile(host):
    import gevent

    scheduler = GeventScheduler(timezone="UTC")
    host.call(scheduler.start)
    scheduler.add_job(gevent.sleep, args=[0.1], id="j")
    host.until(lambda: scheduler.get_runs("j"))
    host.call(lambda: scheduler.shutdown(timeout=5))
    assert [run.status for run in scheduler.get_runs("j")] == ["succeeded"]


def test_start_returns_the_greenlet_as_3x_does(host):
    import gevent

    scheduler = GeventScheduler()
    greenlet = host.call(scheduler.start)
    assert isinstance(greenlet, gevent.Greenlet)
    host.call(scheduler.shutdown)
    assert greenlet.dead


@pytest.fixture
def host():
    host = GeventHost()
    yield host
    host.close()


@pytest.fixture
def store():
    return SlowStore()
