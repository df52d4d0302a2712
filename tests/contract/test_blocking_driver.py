"""The promises of every scheduler, over the one whose `start()` returns after the shutdown."""

from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.testing.driver import DriverContract, OwnThreadHost


class TestBlockingScheduler(DriverContract):
    make_host = OwnThreadHost
    make_scheduler = BlockingScheduler
