"""A Flask application with a job beside it, and a page that shows what the job did.

    pip install flask
    python web_flask.py             # then open http://127.0.0.1:5000/runs
    flask --app web_flask run --debug

The jobs are in a database, so several processes may run this file - the workers of a server, or the two processes of
the debug reloader - and each run time is still run once.
"""

import sys

from flask import Flask

from apscheduler.schedulers.background import BackgroundScheduler

app = Flask(__name__)
scheduler = BackgroundScheduler(
    jobstores={"default": {"type": "sqlalchemy", "url": "sqlite:///flask.sqlite"}}
)


def clean_up():
    return "nothing to clean"


scheduler.add_job(clean_up, "interval", seconds=1, id="clean up", replace_existing="if_changed")
scheduler.start()


@app.get("/runs")
def runs():
    return [
        {"job": run.job_id, "at": run.run_time.isoformat(), "status": run.status, "result": run.result}
        for run in scheduler.get_runs(limit=20)
    ]


if __name__ == "__main__":
    app.run(port=int(sys.argv[1]) if len(sys.argv) > 1 else 5000, debug="--debug" in sys.argv)
