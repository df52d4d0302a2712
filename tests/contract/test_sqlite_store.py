import sqlite3

import pytest
from _sql_tests import SQLTests
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from apscheduler.jobstores._sql_claims import ClaimsTable
from apscheduler.jobstores._sql_jobs import JobsTable
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.testing._jobstore_tools import NOW, added, claim_of, won
from apscheduler.testing.jobstore import JobStoreContract


class TestSQLiteFile(JobStoreContract):
    @pytest.fixture
    def open_node(self, tmp_path):
        return lambda: SQLAlchemyJobStore(f"sqlite:///{tmp_path}/jobs.sqlite")


class TestSQLiteInMemory(JobStoreContract):
    """Several stores on one engine, whose threads share one connection."""

    @pytest.fixture
    def open_node(self):
        engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        yield lambda: SQLAlchemyJobStore(engine=engine)
        engine.dispose()


class TestPortableStatements(JobStoreContract):
    """What databases are spoken to with that have no statements of their own here."""

    @pytest.fixture
    def open_node(self, tmp_path):
        return lambda: PortableStore(f"sqlite:///{tmp_path}/jobs.sqlite")


class PortableStore(SQLAlchemyJobStore):
    def __init__(self, url):
        super().__init__(url)
        self._jobs, self._claims = JobsTable(self._db, self._tables), ClaimsTable(self._db, self._tables)


class TestSQLite(SQLTests):
    insert_statements = ("BEGIN", "INSERT")
    claim_statements = ("BEGIN", "UPDATE", "INSERT")
    finish_statements = ("BEGIN", "UPDATE")

    @pytest.fixture
    def url(self, tmp_path):
        return f"sqlite:///{tmp_path}/jobs.sqlite"

    def test_a_single_job_is_added_with_a_single_statement(self, opened):
        from _sql_tests import first_words, statements_of

        store = opened()
        seen = statements_of(store)
        added(store)
        assert first_words(seen) == ("INSERT", "SELECT")  # the latter of `added` itself

    def test_what_is_due_is_found_by_indexes(self, opened):
        store = opened()
        won(store, claim_of(added(store)))
        statement = str(store._jobs._due.compile(store.engine))
        with store.engine.connect() as conn:
            plan = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", (NOW, 500, 0, NOW)).all()
        details = [row[-1] for row in plan]
        assert "SEARCH own_jobs USING INDEX ix_own_jobs_next_run_time (next_run_time<?)" in details
        assert "SEARCH own_jobs USING COVERING INDEX ix_own_jobs_next_run_time (next_run_time>?)" in details
        assert "SEARCH own_jobs_runs USING INDEX ix_own_jobs_runs_job_id (job_id=?)" in details
        assert not [detail for detail in details if "TEMP B-TREE FOR ORDER" in detail]

    def test_a_record_is_found_by_its_key_and_those_of_a_node_by_the_index_of_live_ones(self, opened):
        store = opened()
        with store.engine.connect() as conn:
            plan = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {store._claims._finish_sql}", (None,) * 11).all()
        assert "(job_id=? AND run_time=? AND revision=? AND attempt=?)" in plan[0][-1]

    def test_a_file_is_written_ahead_and_every_commit_reaches_the_disk(self, opened):
        store = opened()
        with store.engine.connect() as conn:
            assert conn.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert conn.exec_driver_sql("PRAGMA synchronous").scalar() == 2
            assert conn.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000

    def test_readers_do_not_wait_for_a_writer(self, opened, tmp_path):
        store = opened(engine_options={"connect_args": {"timeout": 0}})
        row = added(store)
        writer = sqlite3.connect(tmp_path / "jobs.sqlite", isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM own_jobs")
        assert store.read_job("j") == row
        assert [due.job_id for due in store.read_due(NOW, 10).rows] == ["j"]
        writer.close()

    def test_a_writer_waits_for_another_to_end(self, opened, tmp_path):
        import threading

        store = opened()
        row = added(store)
        writer = sqlite3.connect(tmp_path / "jobs.sqlite", isolation_level=None, check_same_thread=False)
        writer.execute("BEGIN IMMEDIATE")
        ending = threading.Timer(0.2, writer.execute, ["COMMIT"])
        ending.start()
        won(store, claim_of(row))
        ending.join()
        writer.close()
