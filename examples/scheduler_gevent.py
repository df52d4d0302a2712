"""GeventScheduler: a greenlet beside those of your program; jobs are greenlets, too. Works patched and unpatched."""

import gevent

from apscheduler.schedulers.gevent import GeventScheduler


def poll(name: str) -> None:
    gevent.sleep(0.05)  # other greenlets run meanwhile
    print(f"polled {name}")


if __name__ == "__main__":
    scheduler = GeventScheduler()
    scheduler.add_job(poll, "interval", ["here"], seconds=0.2)
    scheduler.add_job(poll, "interval", ["there"], seconds=0.3)
    greenlet = scheduler.start()  # a program with nothing else to do calls greenlet.join()
    gevent.sleep(1)
    scheduler.shutdown()
    print("the greenlet has ended:", greenlet.dead)
