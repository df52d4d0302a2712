"""The promises of every scheduler, over the one in a thread of its own."""

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.testing.driver import DriverContract


class TestBackgroundScheduler(DriverContract):
    make_scheduler = BackgroundScheduler
