"""MemoryJobStore: jobs live as long as the program; anything can be a job, also a lambda or a closure."""

import threading

from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler

if __name__ == "__main__":
    done = threading.Event()
    scheduler = BackgroundScheduler(jobstores={"default": MemoryJobStore(), "other": {"type": "memory"}})
    scheduler.start()
    scheduler.add_job(lambda: "a lambda ran", id="lambda")  # no trigger: once, now
    scheduler.add_job(done.set)  # a method of an object that only this program has
    done.wait(5)
    scheduler.add_job(print, "interval", ["never printed"], hours=1, id="hourly", jobstore="other")
    scheduler.pause_job("hourly")
    scheduler.print_jobs()
    scheduler.shutdown()
    print([run.result for run in scheduler.get_runs("lambda")])
