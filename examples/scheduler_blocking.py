"""BlockingScheduler: the scheduler is the program; `start()` returns when it has been shut down."""

from datetime import datetime, timedelta

from apscheduler.schedulers.blocking import BlockingScheduler

scheduler = BlockingScheduler()


@scheduler.scheduled_job("interval", seconds=0.3, id="tick")
def tick() -> None:
    print(f"tick at {datetime.now():%H:%M:%S.%f}", flush=True)


def stop() -> None:
    # Without waiting, because what would be waited for is this very run.
    scheduler.shutdown(wait=False)


if __name__ == "__main__":
    scheduler.add_job(stop, "date", run_date=datetime.now() + timedelta(seconds=1), id="stop")
    scheduler.start()
    ticks = scheduler.get_runs("tick", status="succeeded")
    print(f"start() has returned; tick ran {len(ticks)} times")
