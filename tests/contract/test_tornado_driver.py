"""The promises of every scheduler, over the one on a Tornado I/O loop."""

from _loop_hosts import TornadoHost

from apscheduler.schedulers.tornado import TornadoScheduler
from apscheduler.testing.driver import DriverContract


class TestTornadoScheduler(DriverContract):
    runs_jobs_on_the_loop = True
    make_host = TornadoHost
    make_scheduler = TornadoScheduler
