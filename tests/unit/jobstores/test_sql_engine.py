"""Engines from URLs, and transactions."""

import threading
from importlib.util import find_spec

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import QueuePool, StaticPool

from apscheduler.jobstores import _sql_engine
from apscheduler.jobstores._sql_engine import Database, make_engine


@pytest.fixture
def install(monkeypatch):
    """Return what has these drivers, and no others, look installed."""

    def only(*names):
        monkeypatch.setattr(
            _sql_engine, "find_spec", lambda name: find_spec("json") if name in names else None
        )

    return only


@pytest.fixture
def database(tmp_path):
    engine = make_engine(f"sqlite:///{tmp_path}/db", {})
    with engine.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE t (n INTEGER)")
    database = Database(engine, ours=True)
    yield database
    database.close()


def numbers(database):
    with database.reading() as conn:
        return conn.exec_driver_sql("SELECT n FROM t ORDER BY n").scalars().all()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_postgresql_url_without_a_driver_gets_psycopg_3_where_psycopg2_is_missing(install, scheme):
    install("psycopg")
    assert make_engine(f"{scheme}://host/db", {}).url.drivername == "postgresql+psycopg"


def test_a_postgresql_url_may_name_its_driver_in_the_old_way_too():
    assert make_engine("postgres+psycopg://host/db", {}).url.drivername == "postgresql+psycopg"


@pytest.mark.parametrize("scheme", ["mysql", "mariadb"])
def test_a_mysql_url_without_a_driver_gets_pymysql_where_mysqldb_is_missing(install, scheme):
    install("pymysql")
    assert make_engine(f"{scheme}://host/db", {}).url.drivername == f"{scheme}+pymysql"


@pytest.mark.parametrize(("scheme", "extra"), [("postgresql", "postgresql"), ("mariadb", "mysql")])
def test_a_missing_driver_is_an_error_that_names_the_extra(install, scheme, extra):
    install()
    with pytest.raises(ImportError, match=rf"pip install 'apscheduler\[{extra}\]'"):
        make_engine(f"{scheme}://host/db", {})


def test_connections_to_a_server_are_tried_before_use():
    assert make_engine("postgresql+psycopg://host/db", {}).pool._pre_ping
    assert not make_engine("postgresql+psycopg://host/db", {"pool_pre_ping": False}).pool._pre_ping


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"])
def test_all_threads_share_one_database_in_memory(url):
    engine = make_engine(url, {})
    assert isinstance(engine.pool, StaticPool)
    database = Database(engine, ours=True)
    database.write(lambda conn: conn.exec_driver_sql("CREATE TABLE t (n INTEGER)"))
    threads = [
        threading.Thread(
            target=lambda n=n: database.write(
                lambda conn: conn.exec_driver_sql(f"INSERT INTO t VALUES ({n})")
            )
        )
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers(database) == list(range(8))
    database.close()


def test_the_caller_may_choose_the_pool():
    engine = make_engine("sqlite://", {"poolclass": QueuePool, "connect_args": {"timeout": 1}})
    assert isinstance(engine.pool, QueuePool)


def test_a_transaction_is_undone_by_an_exception(database):
    def work(conn):
        conn.exec_driver_sql("INSERT INTO t VALUES (1)")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.write(work)
    with pytest.raises(ZeroDivisionError):
        database.write_once(work)
    assert numbers(database) == []
    database.write(lambda conn: conn.exec_driver_sql("INSERT INTO t VALUES (2)"))
    assert numbers(database) == [2]


def test_a_writing_transaction_takes_the_lock_when_it_begins(database):
    impatient = create_engine(database.engine.url, connect_args={"timeout": 0})
    with database.writing(), impatient.connect() as other, pytest.raises(OperationalError, match="locked"):
        other.exec_driver_sql("INSERT INTO t VALUES (1)")
    impatient.dispose()


def test_an_engine_whose_listener_begins_transactions_is_no_obstacle(tmp_path):
    """SQLAlchemy's documentation recommends such a listener for SQLite."""
    engine = create_engine(f"sqlite:///{tmp_path}/db")

    @event.listens_for(engine, "connect")
    def no_legacy_transactions(connection, record):
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(conn):
        conn.exec_driver_sql("BEGIN")

    database = Database(engine, ours=False)
    database.open()
    database.write(lambda conn: conn.exec_driver_sql("CREATE TABLE t (n INTEGER)"))
    database.write_once(lambda conn: conn.exec_driver_sql("INSERT INTO t VALUES (1)"))
    database.write(lambda conn: conn.exec_driver_sql("INSERT INTO t VALUES (2)"))
    assert numbers(database) == [1, 2]
    engine.dispose()


class Given(Exception):
    def __init__(self, *args, sqlstate=None):
        super().__init__(*args)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    "reason", [Given(sqlstate="40P01"), Given(sqlstate="40001"), Given(1213, "deadlock"), Given(1205, "lock")]
)
def test_a_transaction_that_the_server_gave_up_is_repeated_whole(database, reason):
    attempts = []

    def work(conn):
        conn.exec_driver_sql("INSERT INTO t VALUES (1)")
        attempts.append(1)
        if len(attempts) < 3:
            raise DBAPIError("INSERT", {}, reason)
        return "done"

    assert database.write(work) == "done"
    assert numbers(database) == [1]


def test_a_transaction_is_repeated_a_bounded_number_of_times(database):
    attempts = []

    def work(conn):
        attempts.append(1)
        raise DBAPIError("INSERT", {}, Given(sqlstate="40P01"))

    with pytest.raises(DBAPIError):
        database.write(work)
    assert len(attempts) == _sql_engine.ATTEMPTS


def test_another_error_is_raised_at_once(database):
    attempts = []

    def work(conn):
        attempts.append(1)
        raise DBAPIError("INSERT", {}, Given("no such table"))

    with pytest.raises(DBAPIError):
        database.write(work)
    assert len(attempts) == 1
