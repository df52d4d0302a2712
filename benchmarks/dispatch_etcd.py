"""How many jobs a second run from etcd when all are due at once? Here the run log is written, too."""

from _tools import answer, dispatch, tree_server

from apscheduler.jobstores.etcd import EtcdJobStore

with tree_server("etcd") as address:
    host, _, port = address.partition(":")
    rate, recorded = dispatch(2_000, EtcdJobStore(host=host, port=int(port)))
answer("run jobs from etcd", rate, "jobs/s", "higher", until_recorded=round(recorded))
