"""A Flask application with a scheduler in each of its worker processes, all on one database: each run happens once.

gunicorn --workers 4 --bind 127.0.0.1:8000 flask_app:app
"""

import os

from flask import Flask

from apscheduler.schedulers.background import BackgroundScheduler

app = Flask(__name__)
url = os.environ.get("DATABASE_URL", "sqlite:///jobs.sqlite")
scheduler = BackgroundScheduler(jobstores={"default": {"type": "sqlalchemy", "url": url}})


def tick() -> int:
    return os.getpid()


# "if_changed": a worker that starts later, or again, leaves the schedule of the others as it is.
scheduler.add_job(tick, "interval", seconds=1, id="tick", replace_existing="if_changed")
scheduler.start()


@app.get("/")
def index() -> dict[str, object]:
    runs = [
        f"{run.run_time:%H:%M:%S} {run.status} in process {run.result}"
        for run in scheduler.get_runs("tick", limit=9)
    ]
    return {
        "answered by": os.getpid(),
        "schedulers": [node.pid for node in scheduler.get_nodes()],
        "runs": runs,
    }
