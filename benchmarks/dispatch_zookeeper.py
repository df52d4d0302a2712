"""How many jobs a second run from ZooKeeper when all are due at once? Here the run log is written, too."""

from _tools import answer, dispatch, tree_server

from apscheduler.jobstores.zookeeper import ZooKeeperJobStore

with tree_server("zookeeper") as address:
    rate, recorded = dispatch(2_000, ZooKeeperJobStore(hosts=address))
answer("run jobs from ZooKeeper", rate, "jobs/s", "higher", until_recorded=round(recorded))
