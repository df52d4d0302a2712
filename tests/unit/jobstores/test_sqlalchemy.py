"""What the SQL store takes, and what it leaves behind."""

import pickle
import sqlite3
import subprocess
import sys

import pytest
from sqlalchemy import MetaData, create_engine, inspect
from sqlalchemy.exc import DBAPIError

from apscheduler._core.claims import JobRow, NewRun, RunQuery
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.testing._jobstore_tools import (
    LATER,
    NOW,
    StandIn,
    a_job,
    added,
    as_time,
    claim_of,
    stored,
    won,
)

shared_engine = create_engine("sqlite:///:memory:")
shared_metadata = MetaData()


@pytest.fixture
def start():
    stores = []

    def start_store(*args, **kwargs):
        stores.append(SQLAlchemyJobStore(*args, **kwargs))
        stores[-1].start(StandIn(), "default")
        return stores[-1]

    yield start_store
    for store in stores:
        store.shutdown()


def test_it_needs_an_engine_or_a_url():
    with pytest.raises(
        ValueError, match='Need either "engine" or "url" defined: give a database URL such as'
    ):
        SQLAlchemyJobStore()


def test_without_sqlalchemy_the_import_says_which_extra_to_install():
    code = "import sys; sys.modules['sqlalchemy'] = None\nimport apscheduler.jobstores.sqlalchemy"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "SQLAlchemyJobStore needs SQLAlchemy: pip install 'apscheduler[sqlalchemy]'" in done.stderr


def test_engine_and_metadata_may_be_textual_references():
    store = SQLAlchemyJobStore(engine=f"{__name__}:shared_engine", metadata=f"{__name__}:shared_metadata")
    assert store.engine is shared_engine
    assert store.jobs_t is shared_metadata.tables["apscheduler_jobs"]


def test_two_stores_may_share_a_metadata():
    metadata = MetaData()
    stores = [SQLAlchemyJobStore("sqlite://", metadata=metadata) for _ in range(2)]
    assert stores[0].jobs_t is stores[1].jobs_t


def test_tables_are_named_after_that_of_the_jobs(start, tmp_path):
    store = start(f"sqlite:///{tmp_path}/db", tablename="my jobs")
    won(store, claim_of(added(store)))
    names = {"my jobs", "my jobs_runs", "my jobs_nodes", "my jobs_numbers"}
    assert names <= set(inspect(store.engine).get_table_names())


def test_attributes_of_3x_are_there(start, tmp_path):
    store = start(f"sqlite:///{tmp_path}/db", pickle_protocol=3)
    assert (store.pickle_protocol, store.jobs_t.name, store.engine.dialect.name) == (
        3,
        "apscheduler_jobs",
        "sqlite",
    )
    assert store.dump(a_job())[:2] == b"\x80\x03"
    assert SQLAlchemyJobStore("sqlite://").pickle_protocol == pickle.HIGHEST_PROTOCOL


def test_its_text_names_the_database_but_no_password():
    assert repr(SQLAlchemyJobStore("sqlite:///x.db")) == "<SQLAlchemyJobStore (url=sqlite:///x.db)>"
    assert "secret" not in repr(SQLAlchemyJobStore("postgresql+psycopg://me:secret@host/db"))


def test_an_engine_made_here_is_closed_at_shutdown_and_may_be_opened_again(tmp_path):
    store = SQLAlchemyJobStore(f"sqlite:///{tmp_path}/db")
    store.start(StandIn(), "default")
    row = added(store)
    store.shutdown()
    assert store.engine.pool.checkedin() == 0
    store.start(StandIn(), "default")
    assert stored(store) == row
    store.shutdown()


def test_an_engine_that_was_passed_in_is_left_as_it_is(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path}/db")
    store = SQLAlchemyJobStore(engine=engine)
    store.start(StandIn(), "default")
    added(store)
    pool = engine.pool
    store.shutdown()
    assert engine.pool is pool
    assert pool.checkedin() == 1
    with engine.connect() as conn:
        assert conn.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
    engine.dispose()


def test_the_jobs_table_is_that_of_3x_with_a_revision(start, tmp_path):
    start(f"sqlite:///{tmp_path}/db")
    with sqlite3.connect(tmp_path / "db") as conn:
        columns = conn.execute(
            "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info('apscheduler_jobs')"
        )
        assert columns.fetchall() == [
            ("id", "VARCHAR(191)", 1, None, 1),
            ("next_run_time", "FLOAT", 0, None, 0),
            ("job_state", "BLOB", 1, None, 0),
            ("revision", "BIGINT", 1, "'0'", 0),
        ]
    conn.close()


def test_a_database_that_does_not_answer_is_the_librarys_own_error(tmp_path):
    store = SQLAlchemyJobStore(f"sqlite:///{tmp_path}/missing folder/db")
    with pytest.raises(DBAPIError):
        store.start(StandIn(), "default")


def test_shutting_down_never_fails(tmp_path, start):
    store = start(f"sqlite:///{tmp_path}/db")
    won(store, claim_of(added(store)))
    with store.engine.begin() as conn:
        conn.exec_driver_sql("DROP TABLE apscheduler_jobs")
    store.shutdown()


def test_what_is_brought_up_to_date_for_3x_keeps_what_only_a_newer_version_knows(tmp_path):
    """And jobs that cannot be read here are left alone."""
    store = SQLAlchemyJobStore(f"sqlite:///{tmp_path}/db")
    store.start(StandIn(), "default")
    state = {**pickle.loads(store.dump(a_job())), "from_the_future": 1}
    rows = [JobRow("j", NOW, store.new_revision(), pickle.dumps(state)), JobRow("odd", NOW, 1, b"no pickle")]
    store.insert_jobs(rows)
    due = store.read_due(NOW, 10).rows
    store.claim("n1", [claim_of(row) for row in due])
    store.shutdown()
    store.start(StandIn(), "default")
    kept = pickle.loads(stored(store).definition)
    assert kept["from_the_future"] == 1
    assert kept["next_run_time"] == as_time(LATER)
    assert stored(store).revision == store.read_due(LATER, 10).rows[0].revision
    assert stored(store, "odd").definition == b"no pickle"
    store.shutdown()


def test_it_does_not_tell_about_changes_yet(start):
    assert start("sqlite://").subscribe(lambda: None) is None


def test_pruning_a_job_of_very_many_runs_leaves_just_its_newest(start, tmp_path):
    store = start(f"sqlite:///{tmp_path}/db")
    runs = [NewRun(float(n), "succeeded") for n in range(12_000)]
    won(store, claim_of(added(store), runs=runs))
    for job_id in ("a", "b", "c"):
        won(store, claim_of(added(store, job_id), runs=runs[:3]))
    assert store.prune_runs(None, 2) == 12_000 - 2 + 3
    assert [run.run_time for run in store.read_runs(RunQuery("j"))] == [11_999.0, 11_998.0]
    assert store.prune_runs(11_999.0, None) == 1 + 6
