"""How many jobs a second run from ZooKeeper when all are due at once? Here the run log is written, too."""

from _tools import answer, runs_per_second, tree_server

from apscheduler.jobstores.zookeeper import ZooKeeperJobStore

with tree_server("zookeeper") as address:
    rate = runs_per_second(2_000, ZooKeeperJobStore(hosts=address))
answer("run jobs from ZooKeeper", rate, "jobs/s", "higher")
