"""The promises of every scheduler, over the one on an asyncio event loop."""

from _loop_hosts import AsyncIOHost

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.testing.driver import DriverContract


class TestAsyncIOScheduler(DriverContract):
    runs_jobs_on_the_loop = True
    make_host = AsyncIOHost
    make_scheduler = AsyncIOScheduler
