"""How many jobs a second run from MongoDB when all are due at once? Here the run log is written, too.

Without a `mongod` it is asked on the server that stands in for it in the tests.
"""

from _tools import answer, document_server, runs_per_second

from apscheduler.jobstores.mongodb import MongoDBJobStore

with document_server("mongodb") as url:
    rate = runs_per_second(2_000, MongoDBJobStore(host=url))
answer("run jobs from MongoDB", rate, "jobs/s", "higher")
