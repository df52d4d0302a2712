"""How many jobs a second run from RethinkDB when all are due at once? Here the run log is written, too."""

from _tools import answer, dispatch, rethinkdb_server

from apscheduler.jobstores.rethinkdb import RethinkDBJobStore


class Store(RethinkDBJobStore):
    def shutdown(self) -> None:
        """Leave the connection open, because the stand-in does not answer what 3.x says at the end of one."""


with rethinkdb_server() as port:
    rate, recorded = dispatch(1_000, Store(host="127.0.0.1", port=port))
answer("run jobs from RethinkDB", rate, "jobs/s", "higher", until_recorded=round(recorded))
