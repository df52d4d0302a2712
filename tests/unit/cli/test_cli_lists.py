"""`apscheduler jobs`, `runs` and `nodes`: they show everything, and write nothing."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from apscheduler._core.claims import RunQuery
from apscheduler.cli._following import changes
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore

LISTS = ("jobs", "runs", "nodes")


def dump() -> list[str]:
    with closing(sqlite3.connect("jobs.sqlite")) as database:
        return list(database.iterdump())


def test_jobs_are_listed_with_what_their_triggers_mean(cli, store):
    lines = cli("jobs", "--store", store).stdout.splitlines()
    assert lines[0].split() == ["ID", "NEXT", "RUN", "TRIGGER", "FUNCTION"]
    row = next(line for line in lines if line.startswith("nightly"))
    assert "2999-01-01 03:00:00 UTC" in row
    assert "At 03:00 on Monday to Friday" in row
    assert row.endswith("cli_tasks:tick")
    assert any(line.startswith("paused ") and "Every 1 minute and 30 seconds" in line for line in lines)


def test_a_job_that_cannot_be_read_is_listed_with_the_reason(cli, store):
    row = next(line for line in cli("jobs", "--store", store).stdout.splitlines() if line.startswith("gone"))
    assert "unreadable here" in row
    assert "cli_tasks" in row


def test_jobs_as_json(cli, store):
    found = {
        job["id"]: job
        for job in json.loads(cli("jobs", "--store", store, "--json", "--tz", "Asia/Tokyo").stdout)
    }
    assert found["nightly"]["next_run_time"] == "2999-01-01T12:00:00+09:00"
    assert found["nightly"]["meaning"] == "At 03:00 on Monday to Friday (UTC)"
    assert found["paused"]["paused"]
    assert "cli_tasks" in found["gone"]["problem"]


def test_jobs_are_listed_in_pages_and_by_the_beginning_of_their_ids(cli, store, refused):
    def shown(*options: str) -> list[str]:
        return [job["id"] for job in json.loads(cli("jobs", "--store", store, "--json", *options).stdout)]

    everything = shown()
    assert len(everything) > 2
    assert shown("--limit", "2") == everything[:2]
    assert shown("--limit", "1", "--after", everything[0]) == everything[1:2]
    assert shown("--after", everything[1]) == everything[2:]
    assert shown("--prefix", "night") == ["nightly"]
    line = refused("jobs", "--store", store, "--after", "nobody")
    assert "--after 'nobody': the store has no such job" in line


def test_the_store_may_come_from_the_environment(cli, store, monkeypatch):
    monkeypatch.setenv("APSCHEDULER_STORE", store)
    assert "nightly" in cli("jobs").stdout


def test_on_a_narrow_screen_ids_are_folded_and_not_cut(cli, store, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    lines = cli("jobs", "--store", store).stdout.splitlines()
    assert max(map(len, lines)) <= 40


def test_control_characters_of_stored_texts_do_not_reach_the_terminal(cli, scheduler, tasks):
    scheduler.add_job(tasks.tick, "interval", hours=1, id="\x1b[2Jevil")
    scheduler.start(paused=True)
    scheduler.shutdown()
    assert r"\x1b[2Jevil" in cli("jobs", "--store", "sqlite:///jobs.sqlite").stdout


def test_runs_are_listed_with_what_became_of_them(cli, store_with_runs):
    shown = cli("runs", "--store", store_with_runs).stdout
    assert any("ok" in line and "succeeded" in line and "tock" in line for line in shown.splitlines())
    assert any(
        "broken" in line and "failed" in line and "ValueError: no luck" in line for line in shown.splitlines()
    )


def test_runs_are_chosen_by_job_status_and_time(cli, store_with_runs):
    def ids(*options: str) -> list[str]:
        return [
            run["job_id"]
            for run in json.loads(cli("runs", "--store", store_with_runs, "--json", *options).stdout)
        ]

    assert ids("--status", "failed") == ["broken"]
    assert ids("--job", "ok") == ["ok"]
    assert len(ids("--limit", "1")) == 1
    assert sorted(ids("--since", "1h")) == ["broken", "ok"]
    assert ids("--until", "1h") == []


def test_without_runs_the_list_says_so(cli, store):
    assert cli("runs", "--store", store).stdout == "No runs.\n"


def test_following_yields_what_is_there_and_then_what_comes(store_with_runs, scheduler, tasks):
    store = SQLAlchemyJobStore(url=store_with_runs)
    followed = changes(store, RunQuery())
    assert sorted(run.job_id for run in islice(followed, 2)) == ["broken", "ok"]
    scheduler.add_job(tasks.tick, id="later")
    scheduler.start()
    run = next(run for run in followed if run.status == "succeeded")
    store.shutdown()
    assert run.job_id == "later"


def test_nodes_are_listed_while_they_run(cli, store, scheduler):
    assert cli("nodes", "--store", store).stdout == "No scheduler is running on this store.\n"
    scheduler.start(paused=True)
    found = json.loads(cli("nodes", "--store", store, "--json").stdout)
    assert len(found) == 1
    assert cli("nodes", "--store", store).stdout.startswith("NODE")


@pytest.mark.parametrize("command", LISTS)
def test_lists_write_nothing(cli, store, command):
    before = dump()
    assert cli(command, "--store", store).exit_code == 0
    assert dump() == before


@pytest.mark.parametrize("command", LISTS)
def test_a_database_without_tables_stays_without(cli, refused, command):
    with closing(sqlite3.connect("jobs.sqlite")) as database:
        database.execute("CREATE TABLE mine (id TEXT)")
    before = dump()
    assert "no such table" in refused(command, "--store", "sqlite:///jobs.sqlite")
    assert dump() == before


@pytest.mark.parametrize("command", [*LISTS, "pause x", "resume x", "remove x", "trigger x", "check"])
def test_a_file_that_does_not_exist_is_not_created(refused, command, folder: Path):
    assert "there is no file" in refused(*command.split(), "--store", "sqlite:///nowhere.sqlite")
    assert not (folder / "nowhere.sqlite").exists()


def make_table_of_3x(store: str) -> None:
    with closing(sqlite3.connect("jobs.sqlite")) as database:
        database.execute("ALTER TABLE apscheduler_jobs DROP COLUMN revision")
        for name in ("runs", "nodes", "numbers"):
            database.execute(f"DROP TABLE apscheduler_jobs_{name}")


def test_a_table_of_3x_is_listed_as_it_is(cli, refused, store):
    make_table_of_3x(store)
    before = dump()
    assert "nightly" in cli("jobs", "--store", store).stdout
    assert "no run log yet" in refused("runs", "--store", store)
    assert dump() == before


@pytest.mark.parametrize("command", [*LISTS, "check", "pause x"])
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "no database URL"),
        ("nodb://x/y", "no database URL"),
        ("postgresql+nodriver://x/y", "no database URL"),
    ],
)
def test_a_bad_url_is_refused(refused, command, url, words):
    assert words in refused(*command.split(), "--store", url)


def test_a_server_that_does_not_answer_is_told_without_the_password(refused):
    pytest.importorskip("psycopg")
    line = refused("jobs", "--store", "postgresql+psycopg://me:secret@127.0.0.1:1/x")
    assert "does not answer" in line
    assert "secret" not in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["jobs"], "--store"),
        (["jobs", "--store", "STORE", "--table", "other"], "--table 'other'"),
        (["jobs", "--store", "STORE", "--table", "apscheduler_jobs_runs"], "not a table of jobs"),
        (["jobs", "--store", "STORE", "--tz", "Nowhere"], "--tz 'Nowhere'"),
        (["nodes", "--store", "STORE", "--tz", "Nowhere"], "--tz 'Nowhere'"),
        (["runs", "--store", "STORE", "--status", "succeded"], "did you mean 'succeeded'"),
        (["runs", "--store", "STORE", "--job", "nobody"], "--job 'nobody'"),
        (["runs", "--store", "STORE", "--since", "soon"], "--since 'soon'"),
        (["runs", "--store", "STORE", "--until", "soon"], "--until 'soon'"),
        (["runs", "--store", "STORE", "--limit", "0"], "--limit"),
        (["jbs"], "jobs"),
        (["jobs", "--stor", "x"], "--stor"),
    ],
)
def test_bad_input_is_refused_in_one_line(refused, store, arguments, words):
    assert words in refused(*(store if argument == "STORE" else argument for argument in arguments))
