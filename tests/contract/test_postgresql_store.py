import re

import pytest
from _sql_tests import SQLTests, added, claim_of, stored, won
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import DBAPIError

from _servers import restartable_postgresql
from apscheduler._core.claims import SUCCEEDED, Finish, RunKey
from apscheduler.jobstores._sql_postgresql import array
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.testing._jobstore_tools import NOW, StandIn, row_of
from apscheduler.testing._jobstore_wakeups import Ear
from apscheduler.testing.jobstore import JobStoreContract


class TestPostgreSQL(JobStoreContract):
    @pytest.fixture
    def open_node(self, postgresql_url, emptied):
        tablename = emptied(postgresql_url)
        return lambda: SQLAlchemyJobStore(postgresql_url, tablename=tablename)


class TestPostgreSQLStatements(SQLTests):
    insert_statements = ("WITH", "SELECT", "SELECT")  # the first one inserts, and tells others
    claim_statements = ("WITH",)
    finish_statements = ("UPDATE",)

    @pytest.fixture
    def url(self, postgresql_url):
        return postgresql_url

    def test_what_is_due_is_found_by_indexes(self, opened):
        store = opened()
        store.insert_jobs([row_of(store, f"j{n}", NOW + n) for n in range(2000)])
        with store.engine.begin() as conn:
            conn.exec_driver_sql("ANALYZE own_jobs")
            # Because next to nothing is in the tables, for which no index is worth it.
            conn.exec_driver_sql("SET LOCAL enable_seqscan = off")
            explained = store._jobs._due.compile(store.engine)
            values = {**explained.params, "now": NOW, "now_1": NOW, "limit": 500}
            plan = "\n".join(conn.exec_driver_sql(f"EXPLAIN {explained}", values).scalars())
        assert "ix_own_jobs_next_run_time" in plan
        assert "ix_own_jobs_runs_job_id" in plan
        assert "Seq Scan" not in plan

    @pytest.mark.parametrize("keep", [True, False])
    @pytest.mark.parametrize("analyzed", [False, True])
    def test_the_runs_of_outcomes_are_looked_up_one_by_one_whatever_the_planner_believes(
        self, opened, keep, analyzed
    ):
        store = opened()
        rows = [row_of(store, f"j{n}") for n in range(1500)]
        store.insert_jobs(rows)
        store.claim("n1", [claim_of(row) for row in rows])
        if analyzed:  # and told that next to no run is live
            with store.engine.begin() as conn:
                conn.exec_driver_sql("UPDATE own_jobs_runs SET finished = 1, status = 'succeeded'")
                conn.exec_driver_sql("ANALYZE own_jobs_runs")
                conn.exec_driver_sql("UPDATE own_jobs_runs SET finished = NULL, status = 'running'")
        sent = []
        event.listen(
            store.engine, "before_cursor_execute", lambda *given: sent.append((given[2], dict(given[3])))
        )
        keys = [RunKey(row.job_id, row.revision, NOW, 1) for row in rows]
        store._db.write = store._db.write_once = lambda work: _in_vain(store, work)
        store.finish([Finish(key, SUCCEEDED, NOW, NOW) for key in keys], keep)
        [(statement, values)] = [given for given in sent if "own_jobs_runs r" in given[0]]
        for mode in ("force_custom_plan", "force_generic_plan"):
            plan = _plan_of(store, statement, values, mode)
            assert f"rows={len(rows)} loops=1" in plan
            assert "Rows Removed by Join Filter" not in plan, plan

    @pytest.mark.parametrize("node", ["n1", "n2"])
    def test_a_batch_that_was_claimed_before_is_looked_up_by_one_statement_and_an_index(self, opened, node):
        store = opened()
        rows = [row_of(store, f"j{n}") for n in range(1500)]
        store.insert_jobs(rows)
        claims = [claim_of(row) for row in rows]
        store.claim("n1", claims)
        with store.engine.begin() as conn:  # so many that reading them all costs more
            conn.exec_driver_sql(
                "INSERT INTO own_jobs_runs (job_id, revision, run_time, attempt, status, node, finished)"
                " SELECT 'k' || n, n, n, 1, 'succeeded', 'n1', n FROM generate_series(1, 50000) n"
            )
            conn.exec_driver_sql("ANALYZE own_jobs_runs")
        sent = []
        event.listen(
            store.engine, "before_cursor_execute", lambda *given: sent.append((given[2], dict(given[3])))
        )
        assert len(store.claim(node, claims)) == (len(claims) if node == "n1" else 0)
        assert [statement.split()[0] for statement, _ in sent] == ["WITH", "SELECT"]
        asked = sent[-1]
        for mode in ("force_custom_plan", "force_generic_plan"):
            plan = _plan_of(store, *asked, mode)
            assert "Rows Removed by Join Filter" not in plan, plan
            assert "Seq Scan" not in plan, plan

    @pytest.mark.parametrize(
        ("kind", "values"),
        [
            ("text", ["a", "", "NULL", None, 'a "b"', "back\\slash", "{1,2}", " ", "'", "%s", "ä\n\t日本"]),
            ("bytea", [b"", b"\x00\xff\\", None, b'"']),
            ("float8", [1.1, -0.0, 1e300, 1795235311.213845, None]),
            ("int8", [0, -1, 2**53, None]),
        ],
    )
    def test_what_is_sent_as_an_array_arrives_as_it_is(self, opened, kind, values):
        with opened().engine.connect() as conn:
            [sent] = conn.exec_driver_sql(f"SELECT %(values)s::{kind}[]", {"values": array(values)}).one()
        assert sent == values

    def test_an_engine_that_commits_by_itself_is_made_to_begin_transactions(self, opened, url):
        opened()
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        store = SQLAlchemyJobStore(engine=engine, tablename="own_jobs")
        store.start(StandIn(), "default")
        taken = row_of(store, "b")
        store.insert_jobs([taken])
        assert store.insert_jobs([row_of(store, "a"), taken])
        with pytest.raises(ZeroDivisionError):
            store._db.write(lambda conn: conn.execute(store.jobs_t.delete()).rowcount / 0)
        assert [row.job_id for row in store.read_jobs()] == ["b"]
        store.shutdown()
        engine.dispose()

    def test_an_idle_connection_that_died_does_not_fail_a_call(self, opened):
        store, other = opened(), opened()
        row = added(store)
        with store.engine.connect() as conn:
            number = conn.execute(text("SELECT pg_backend_pid()")).scalar()
        with other.engine.connect() as conn:
            conn.execute(text(f"SELECT pg_terminate_backend({number}, 5000)"))
        won(store, claim_of(row))

    def test_tables_may_be_in_a_schema(self, opened, url):
        engine = create_engine(url)
        with engine.begin() as conn:
            conn.execute(text("CREATE SCHEMA elsewhere"))
        store = SQLAlchemyJobStore(url, tablename="own_jobs", tableschema="elsewhere")
        store.start(StandIn(), "default")
        won(store, claim_of(added(store)))
        with engine.begin() as conn:
            assert conn.execute(text("SELECT count(*) FROM elsewhere.own_jobs_runs")).scalar() == 1
            conn.execute(text("DROP SCHEMA elsewhere CASCADE"))
        store.shutdown()
        engine.dispose()


def _in_vain(store, work) -> None:
    with store.engine.connect() as conn:
        work(conn)
        conn.rollback()


def _plan_of(store, statement, values, mode) -> str:
    """Return what PostgreSQL has done for a statement, whose effect is rolled back; `mode` is a plan_cache_mode."""
    numbered = {name: f"${number}" for number, name in enumerate(values, 1)}
    with store.engine.connect() as conn:
        conn.exec_driver_sql(f"SET LOCAL plan_cache_mode = {mode}")
        conn.exec_driver_sql(
            "PREPARE it AS " + re.sub(r"%\((\w+)\)s", lambda found: numbered[found[1]], statement)
        )
        sent = ", ".join("NULL" if value is None else f"'{value}'" for value in values.values())
        plan = (
            conn.exec_driver_sql(f"EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) EXECUTE it ({sent})")
            .scalars()
            .all()
        )
        conn.exec_driver_sql("DEALLOCATE it")
        conn.rollback()
    return "\n".join(plan)


def test_a_store_goes_on_after_its_server_was_restarted():
    server = restartable_postgresql()
    server.start()
    store = SQLAlchemyJobStore(server.url)
    store.start(StandIn(), "default")
    row = added(store)
    server.stop()
    with pytest.raises(DBAPIError):
        store.claim("n1", [claim_of(row)])
    server.start()
    won(store, claim_of(row))
    assert stored(store).revision == row.revision + 1
    store.shutdown()
    server.remove()


class TestPostgreSQLWakeups:
    @pytest.fixture
    def nodes(self, postgresql_url, emptied):
        tablename = emptied(postgresql_url)
        stores = [SQLAlchemyJobStore(postgresql_url, tablename=tablename) for _ in range(2)]
        for store in stores:
            store.start(StandIn(), "default")
        yield stores
        for store in stores:
            store.shutdown()

    def test_own_changes_are_passed_over(self, nodes):
        first, second = nodes
        ear = Ear(first)
        added(first, "own")
        added(second, "other")
        ear.wait()
        assert ear.silent

    def test_a_paused_job_wakes_nobody(self, nodes):
        first, second = nodes
        ear = Ear(first)
        added(second, "paused", None)
        assert second.replace_job(stored(second, "paused"))
        added(second, "due")
        ear.wait()
        assert ear.silent

    def test_a_connection_that_breaks_is_made_up_for(self, nodes):
        first, second = nodes
        ear = Ear(first)
        with second.engine.connect() as conn:
            ended = conn.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
            ).all()
        assert ended
        ear.wait()  # it listens again, and says so
        ear.forget()
        added(second)
        ear.wait()

    def test_a_second_subscription_takes_the_place_of_the_first(self, nodes):
        first, second = nodes
        old, new = Ear(first), Ear(first)
        old.forget()
        added(second)
        new.wait()
        assert old.silent
