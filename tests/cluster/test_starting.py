"""Many processes that start at the same moment on a database that lacks some tables, or all of them."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from pymongo import MongoClient
from sqlalchemy import Column, Float, LargeBinary, MetaData, String, Table, create_engine, inspect
from starting_process import SEEDS

import _mongo_server
import _servers
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore

HERE = Path(__file__).parent
OF_3X = HERE.parent / "compat" / "sql" / "jobs-3.11.3.sqlite"
PROCESSES = 8
PATIENCE = 50.0


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/jobs.sqlite"
        return
    url = {"postgresql": _servers.postgresql_url, "mariadb": _servers.mariadb_url}[request.param]()
    yield url
    engine = create_engine(url)
    with engine.begin() as conn:
        for suffix in ("", "_runs", "_nodes", "_numbers"):
            conn.exec_driver_sql(f"DROP TABLE IF EXISTS race{suffix}")
    engine.dispose()


def make_table_of_3x(url) -> set[str]:
    """Make the table as 3.x does, fill it with jobs that 3.x has stored, and return their ids."""
    table = Table(
        "race",
        MetaData(),
        Column("id", String(191), primary_key=True),
        Column("next_run_time", Float(25), index=True),
        Column("job_state", LargeBinary, nullable=False),
    )
    with closing(sqlite3.connect(OF_3X)) as source:
        rows = source.execute("SELECT id, next_run_time, job_state FROM apscheduler_jobs").fetchall()
    engine = create_engine(url)
    with engine.begin() as conn:
        table.create(conn)
        conn.execute(table.insert(), [dict(zip(table.columns.keys(), row, strict=True)) for row in rows])
    engine.dispose()
    return {row[0] for row in rows}


def race(url, folder) -> None:
    """Have the processes start together; each of them must come through."""

    def files(ending: str) -> int:
        return len(list(folder.glob(f"*.{ending}")))

    with (folder / "log").open("wb") as log:
        command = [sys.executable, str(HERE / "starting_process.py"), url, str(folder)]
        processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log) for _ in range(PROCESSES)
        ]
    end = time.monotonic() + PATIENCE
    try:
        for ending in ("ready", "done"):
            while files(ending) < PROCESSES:
                assert time.monotonic() < end, (folder / "log").read_text()
                assert all(process.poll() is None for process in processes), (folder / "log").read_text()
                time.sleep(0.01)
            (folder / "go").touch()
        for process in processes:
            process.stdin.close()
        assert [process.wait(PATIENCE) for process in processes] == [0] * PROCESSES
        assert (folder / "log").read_text() == ""
    finally:
        for process in processes:
            process.stdin.close()
            if process.poll() is None:
                process.kill()
                process.wait()


def check_store(url, ids) -> None:
    store = SQLAlchemyJobStore(url, tablename="race")
    look = inspect(store.engine)
    assert {table for table in look.get_table_names() if table.startswith("race")} == {
        "race", "race_runs", "race_nodes", "race_numbers",
    }  # fmt: skip
    assert [column["name"] for column in look.get_columns("race")].count("revision") == 1
    jobs = {row.job_id: row for row in store.read_jobs()}
    assert jobs.keys() == {*ids, *SEEDS}
    assert all(store.load(jobs[job_id]).func_ref == "cluster_jobs:nothing" for job_id in SEEDS)
    assert store.read_nodes() == []
    store.engine.dispose()


def test_in_an_empty_mongodb_each_of_them_finds_its_jobs_once(tmp_path):
    url = _mongo_server.mongodb_url()
    with MongoClient(url) as client:
        client.drop_database("race")
        race(url, tmp_path)
        assert {job["_id"] for job in client.race.race.find()} == set(SEEDS)
        assert "next_run_time_1" in client.race.race.index_information()
        assert client.race.race_nodes.count_documents({}) == 0
        client.drop_database("race")


def test_in_an_empty_database_each_of_them_finds_its_jobs_once(url, tmp_path):
    race(url, tmp_path)
    check_store(url, set())


def test_on_a_table_of_3x_one_of_them_adds_the_column_and_all_jobs_are_kept(url, tmp_path):
    ids = make_table_of_3x(url)
    race(url, tmp_path)
    check_store(url, ids)
