import pytest
from _sql_tests import SQLTests, make_table_of_3x

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.testing._jobstore_tools import LATER, NOW, added, claim_of, row_of, stored
from apscheduler.testing.jobstore import JobStoreContract


class TestMariaDB(JobStoreContract):
    @pytest.fixture
    def open_node(self, mariadb_url, emptied):
        tablename = emptied(mariadb_url)
        return lambda: SQLAlchemyJobStore(mariadb_url, tablename=tablename)


class TestMariaDBStatements(SQLTests):
    insert_statements = ("INSERT", "SELECT", "SELECT")
    claim_statements = ("SELECT", "INSERT", "INSERT")
    finish_statements = ("SELECT", "INSERT")

    @pytest.fixture
    def url(self, mariadb_url):
        return mariadb_url

    def test_a_table_of_3x_that_ignores_case_gives_no_job_the_place_of_another(self, url, opened):
        make_table_of_3x(url, "own_jobs")
        store = opened()
        row = stored(store, "old")
        assert store.read_job("OLD") is None
        assert store.delete_jobs(["OLD"]) == 0
        assert list(store.insert_jobs([row_of(store, "OLD"), row_of(store, "new")])) == ["OLD"]
        assert list(store.claim("n1", [claim_of(row._replace(job_id="OLD", next_run_time=NOW))])) == []
        assert [r.job_id for r in store.read_jobs()] == ["old"]

    def test_a_definition_may_be_larger_than_64_kib(self, opened):
        store = opened()
        row = added(store, args=("x" * 100_000,))
        assert list(store.claim("n1", [claim_of(row, definition=row.definition)])) == [0]
        assert stored(store).definition == row.definition

    def test_an_idle_connection_that_died_does_not_fail_a_call(self, opened):
        store, other = opened(), opened()
        row = added(store)
        with store.engine.connect() as conn:
            number = conn.exec_driver_sql("SELECT connection_id()").scalar()
        with other.engine.connect() as conn:
            conn.exec_driver_sql(f"KILL {number}")
        assert store.replace_job(row._replace(next_run_time=LATER))
