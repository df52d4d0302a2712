import pytest
from redis.cluster import RedisCluster

from _redis_server import redis_cluster_port, redis_url
from apscheduler.jobstores.redis import RedisJobStore
from apscheduler.testing.jobstore import JobStoreContract


class TestRedis(JobStoreContract):
    @pytest.fixture
    def open_node(self):
        store = RedisJobStore(url=redis_url())
        yield lambda: RedisJobStore(url=redis_url())
        store.redis.delete(*store._server.keys.every)
        store.shutdown()


class TestRedisCluster(JobStoreContract):
    @pytest.fixture
    def open_node(self):
        client = RedisCluster("127.0.0.1", redis_cluster_port())
        yield lambda: RedisJobStore(client=client)
        client.delete(*RedisJobStore(client=client)._server.keys.every)
        client.close()
