"""The connection that writes to a SQLite file."""

from __future__ import annotations

import os
import threading

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.pool import NullPool

from apscheduler.jobstores import _sql_writer
from apscheduler.jobstores._sql_engine import Database, make_engine


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/db"


@pytest.fixture
def open_connections():
    """Return what notes the connections of an engine that are open."""

    def watch(engine) -> set[int]:
        found: set[int] = set()
        event.listen(engine, "connect", lambda dbapi, _: found.add(id(dbapi)))
        event.listen(engine, "close", lambda dbapi, _: found.discard(id(dbapi)))
        event.listen(engine, "close_detached", lambda dbapi: found.discard(id(dbapi)))
        return found

    return watch


@pytest.fixture
def database(url, open_connections):
    engine = make_engine(url, {})
    database = Database(engine, ours=True)
    database.open_ones = open_connections(engine)
    database.write(lambda conn: conn.exec_driver_sql("CREATE TABLE t (n INTEGER)"))
    yield database
    database.close()
    assert not database.open_ones


def insert(number):
    return lambda conn: conn.exec_driver_sql("INSERT INTO t VALUES (?)", (number,))


def connection_of(conn) -> int:
    return id(conn.connection.dbapi_connection)


def numbers(database) -> list[int]:
    with database.reading() as conn:
        return conn.exec_driver_sql("SELECT n FROM t ORDER BY n").scalars().all()


def test_the_threads_of_a_process_write_through_one_connection_and_none_finds_the_file_locked(database):
    seen, wrong = set(), []

    def work(first: int) -> None:
        try:
            for number in range(first, first + 50):
                database.write(lambda conn, n=number: (seen.add(connection_of(conn)), insert(n)(conn)))
        except Exception as exc:
            wrong.append(exc)

    threads = [threading.Thread(target=work, args=(50 * n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(seen) == 1
    assert numbers(database) == list(range(400))


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, ValueError])
def test_what_interrupts_a_transaction_takes_it_back_and_leaves_the_connection_fit(database, interrupt):
    def interrupted(conn) -> None:
        insert(1)(conn)
        raise interrupt

    with pytest.raises(interrupt):
        database.write(interrupted)
    database.write(insert(2))
    assert numbers(database) == [2]


def test_a_transaction_that_an_interrupt_has_left_open_is_taken_back_with_its_connection(database):
    conn = database._kept._connection
    conn.begin()  # as if the interrupt had come before the transaction could be ended
    insert(1)(conn)
    database.write(insert(2))
    assert conn.closed
    assert numbers(database) == [2]


def test_closing_does_not_wait_long_for_another_thread_which_closes_the_connection_then(
    database, monkeypatch
):
    monkeypatch.setattr(_sql_writer, "LONGEST_CLOSE", 0.01)
    inside, go_on = threading.Event(), threading.Event()

    def long(conn) -> None:
        insert(1)(conn)
        inside.set()
        go_on.wait(30)

    thread = threading.Thread(target=database.write, args=(long,))
    thread.start()
    assert inside.wait(30)
    database.close()
    assert len(database.open_ones) == 1
    go_on.set()
    thread.join()
    assert not database.open_ones
    assert numbers(database) == [1]  # it was committed, and the database may be used again


@pytest.mark.parametrize("options", [{"pool_size": 1, "max_overflow": 0}, {"poolclass": NullPool}])
def test_a_pool_that_has_none_to_spare_keeps_its_connections(url, options):
    database = Database(make_engine(url, options), ours=True)
    database.write(lambda conn: conn.exec_driver_sql("CREATE TABLE t (n INTEGER)"))
    database.write(insert(1))
    assert numbers(database) == [1]
    database.close()


def test_a_connection_of_an_engine_that_was_passed_in_is_given_back(url):
    engine = create_engine(url)
    database = Database(engine, ours=False)
    database.write(lambda conn: conn.exec_driver_sql("CREATE TABLE t (n INTEGER)"))
    assert engine.pool.checkedout() == 0
    engine.dispose()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_writes_through_a_connection_of_its_own(database):
    database.write(insert(1))
    parents = database._kept._connection
    pid = os.fork()
    if not pid:
        database.forked()
        database.write(insert(2))
        os._exit(0 if database._kept._connection is not parents and not parents.closed else 1)
    assert os.waitpid(pid, 0)[1] == 0
    database.write(insert(3))
    assert numbers(database) == [1, 2, 3]
