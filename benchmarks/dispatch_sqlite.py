"""How many jobs a second run from an SQLite file when all are due at once? Here the run log is written, too."""

import tempfile

from _tools import answer, dispatch

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore

with tempfile.TemporaryDirectory() as folder:
    rate, recorded = dispatch(2_000, SQLAlchemyJobStore(url=f"sqlite:///{folder}/jobs.sqlite"))
answer("run jobs from SQLite", rate, "jobs/s", "higher", until_recorded=round(recorded))
