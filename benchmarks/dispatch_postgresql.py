"""How many jobs a second run from PostgreSQL when all are due at once? Here the run log is written, too."""

import sys

from _servers_here import postgresql
from _tools import answer, dispatch

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore

url = postgresql()
if url is None:  # then the question has no answer
    sys.exit(0)
rate, recorded = dispatch(2_000, SQLAlchemyJobStore(url))
answer("run jobs from PostgreSQL", rate, "jobs/s", "higher", until_recorded=round(recorded))
