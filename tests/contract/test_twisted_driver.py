"""The promises of every scheduler, over the one on a Twisted reactor."""

from _loop_hosts import TwistedHost

from apscheduler.schedulers.twisted import TwistedScheduler
from apscheduler.testing.driver import DriverContract


class TestTwistedScheduler(DriverContract):
    runs_jobs_on_the_loop = True
    sleep_of_coroutines = False
    make_host = TwistedHost
    make_scheduler = TwistedScheduler
