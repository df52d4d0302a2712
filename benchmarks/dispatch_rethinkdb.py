"""How many jobs a second run from RethinkDB when all are due at once? Here the run log is written, too."""

from _tools import answer, rethinkdb_server, runs_per_second

from apscheduler.jobstores.rethinkdb import RethinkDBJobStore

with rethinkdb_server() as (host, port):
    rate = runs_per_second(1_000, RethinkDBJobStore(host=host, port=port))
answer("run jobs from RethinkDB", rate, "jobs/s", "higher")
