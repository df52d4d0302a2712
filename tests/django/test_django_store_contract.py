"""The promises of every job store, kept through Django's ORM."""

from __future__ import annotations

import pytest

from apscheduler.testing.jobstore import JobStoreContract
from django_apscheduler.jobstores import DjangoJobStore


class OnDatabase(JobStoreContract):
    kind: str

    @pytest.fixture
    def open_node(self, emptied):
        alias = emptied(self.kind)
        return lambda: DjangoJobStore(using=alias)


class TestSQLite(OnDatabase):
    kind = "sqlite"


class TestPostgreSQL(OnDatabase):
    kind = "postgresql"


class TestMariaDB(OnDatabase):
    kind = "mariadb"
