"""How many jobs a second run from MongoDB when all are due at once? Here the run log is written, too.

Without a `mongod` it is asked on the server that stands in for it in the tests.
"""

from _tools import answer, dispatch, document_server

from apscheduler.jobstores.mongodb import MongoDBJobStore

with document_server("mongodb") as url:
    rate, recorded = dispatch(2_000, MongoDBJobStore(host=url))
answer("run jobs from MongoDB", rate, "jobs/s", "higher", until_recorded=round(recorded))
