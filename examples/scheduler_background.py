"""BackgroundScheduler: a thread beside your program; `start()` returns at once."""

import threading
import time

from apscheduler.schedulers.background import BackgroundScheduler


def poll() -> str:
    return threading.current_thread().name


if __name__ == "__main__":
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(poll, "interval", seconds=0.2, id="poll")
    scheduler.start()
    print("the program goes on in", threading.current_thread().name)
    time.sleep(0.5)
    scheduler.pause()  # nothing is started until resume()
    time.sleep(0.5)
    scheduler.resume()
    time.sleep(0.3)
    scheduler.shutdown()  # waits for the runs in flight
    for run in reversed(scheduler.get_runs("poll")):
        print(f"{run.run_time:%S.%f}  {run.status:10} {run.reason or run.result}")
