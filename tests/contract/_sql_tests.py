"""What SQL databases are tested for besides the contract; a test file says which statements it expects."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import MetaData, Table, create_engine, event, inspect

from apscheduler._core.claims import RUNNING, Claim, NewRun
from apscheduler._core.listing import JobQuery, Position
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.testing._jobstore_tools import (
    LATER,
    NOW,
    StandIn,
    added,
    as_time,
    claim_of,
    done,
    keys_of,
    race,
    row_of,
    runs_of,
    stored,
    won,
)
from apscheduler.testing.clock import FakeClock
from apscheduler.testing.manual import ManualScheduler


class SQLTests:
    """Needs a fixture `url`, and one `tablename` that names tables which are dropped after the test."""

    claim_statements: tuple[str, ...]
    finish_statements: tuple[str, ...]
    insert_statements: tuple[str, ...]

    @pytest.fixture
    def tablename(self, url):
        yield "own_jobs"
        engine = create_engine(url)
        tables = MetaData()
        tables.reflect(engine, only=lambda name, _: name.startswith(("own_", "a_long_")))
        tables.drop_all(engine)
        engine.dispose()

    @pytest.fixture
    def opened(self, url, tablename):
        stores = []

        def open_store(tablename=tablename, **options):
            stores.append(SQLAlchemyJobStore(url, tablename=tablename, **options))
            stores[-1].start(StandIn(), "default")
            return stores[-1]

        yield open_store
        for store in stores:
            store.shutdown()

    # -- statements ------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("size", [2, 200])
    def test_a_batch_takes_as_many_statements_whatever_its_size(self, opened, size):
        store = opened()
        seen = statements_of(store)
        store.insert_jobs([row_of(store, f"j{n:03}") for n in range(size)])
        assert first_words(seen) == self.insert_statements

        claims = [claim_of(row) for row in store.read_due(NOW, size).rows]
        assert first_words(seen) == ("SELECT",)
        store.claim("n1", claims)
        assert first_words(seen) == self.claim_statements

        store.finish([done(key) for claim in claims for key in keys_of(claim)])
        assert first_words(seen) == self.finish_statements

    def test_a_page_of_the_list_is_one_reading_of_so_many_rows(self, opened):
        store = opened()
        store.insert_jobs([row_of(store, f"j{n:03}", LATER + n) for n in range(300)])
        seen, sent = statements_of(store), rows_sent_to(store)
        page = store.read_page(JobQuery(50))
        page = store.read_page(JobQuery(50, Position(page[-1].next_run_time, page[-1].job_id)))
        assert [row.job_id for row in page] == [f"j{n:03}" for n in range(50, 100)]
        assert first_words(seen) == ("SELECT", "SELECT")
        assert sum(sent) == 100

    def test_a_scheduler_starts_on_a_full_table_without_reading_it(self, url, opened):
        store = opened()
        added(store, "due", NOW)
        fill_with_copies(store, added(store, "sleeping", LATER), 20_000)
        again = SQLAlchemyJobStore(url, tablename=store.jobs_t.name)
        seen, sent = statements_of(again), rows_sent_to(again)
        clock = FakeClock(as_time(NOW))
        scheduler = ManualScheduler(
            jobstores={"default": again}, clock=clock, job_defaults={"misfire_grace_time": None}
        )
        scheduler.start()
        scheduler.turn()
        assert [run.job_id for run in scheduler.get_runs()] == ["due"]
        assert len(seen) < 20, seen
        assert 0 < sum(sent) < 20
        scheduler.shutdown()

    # -- tables ----------------------------------------------------------------------------------------------

    def test_the_tables_are_created_by_any_number_of_processes_at_once(self, url, opened):
        stores = [SQLAlchemyJobStore(url, tablename="own_jobs") for _ in range(6)]
        race(stores, lambda store: store.start(StandIn(), "default"))
        added(stores[0])
        for store in stores:
            assert stored(store).job_id == "j"
            store.shutdown()

    def test_a_table_of_3x_gets_its_column_from_any_number_of_processes_at_once(self, url, opened):
        make_table_of_3x(url, "own_jobs")
        stores = [SQLAlchemyJobStore(url, tablename="own_jobs") for _ in range(6)]
        race(stores, lambda store: store.start(StandIn(), "default"))
        assert [(row.job_id, row.revision) for row in stores[0].read_jobs()] == [("old", 0)]
        assert list(stores[0].claim("n1", [Claim("old", 0, LATER, [NewRun(NOW)])])) == [0]
        assert stored(stores[5], "old").revision == 1
        for store in stores:
            store.shutdown()

    def test_3x_can_go_on_writing_rows(self, url, opened):
        make_table_of_3x(url, "own_jobs")
        store = opened()
        with store.engine.begin() as conn:
            conn.execute(old_table("own_jobs").insert().values(id="new", next_run_time=NOW, job_state=b"x"))
        assert [(row.job_id, row.revision) for row in store.read_jobs()] == [("new", 0), ("old", 0)]

    @pytest.mark.parametrize("suffix", ["", "_runs", "_nodes", "_numbers"])
    def test_a_table_that_was_dropped_is_created_again(self, opened, suffix):
        store = opened()
        added(store)
        with store.engine.begin() as conn:
            Table(f"own_jobs{suffix}", MetaData()).drop(conn)
        again = opened()
        again.remove_all_jobs()
        won(again, claim_of(added(again, "other")))

    def test_an_index_that_is_missing_is_created(self, opened):
        store = opened()
        with store.engine.begin() as conn:
            indexes = [index for table in (store.jobs_t, runs_table(store)) for index in table.indexes]
            for index in indexes:
                index.drop(conn)
            numbers = Table("own_jobs_numbers", MetaData(), autoload_with=conn)
            conn.execute(numbers.delete())  # as if the process had been killed before it was done
        opened()
        look = inspect(store.engine)
        found = [look.get_indexes(name) for name in ("own_jobs", "own_jobs_runs")]
        assert {tuple(i["column_names"]) for some in found for i in some} >= {
            tuple(column.name for column in index.columns) for index in indexes
        }

    def test_a_name_may_be_as_long_as_the_database_allows_for_its_tables(self, opened):
        store = opened("a_long_" + "x" * 40)
        won(store, claim_of(added(store)))
        assert [run.status for run in runs_of(store)] == [RUNNING]

    # -- errors ----------------------------------------------------------------------------------------------

    def test_a_job_whose_revision_was_claimed_before_fires_under_a_new_one(self, opened):
        """As after a row was restored from a backup, or removed and added again by 3.x."""
        store = opened()
        row, other = added(store), added(store, "other")
        won(store, claim_of(row), "n1")
        with store.engine.begin() as conn:
            conn.execute(
                store.jobs_t.update()
                .where(store.jobs_t.c.id == "j")
                .values(revision=row.revision, next_run_time=NOW)
            )
        assert list(store.claim("n2", [claim_of(row), claim_of(other)])) == [1]
        renewed = stored(store)
        assert renewed.next_run_time == NOW
        assert renewed.revision > row.revision
        won(store, claim_of(renewed), "n2")
        assert [run.node for run in runs_of(store)] == ["n2", "n1"]

    def test_nodes_that_fire_finish_and_are_taken_over_at_once_leave_one_record_for_each_run(self, opened):
        """Locks are taken in every order there is; what the server gives up for that is repeated."""
        stores = [opened() for _ in range(3)]
        stores[0].insert_jobs([row_of(stores[0], f"j{n:02}") for n in range(30)])
        stop = threading.Event()

        def work(number):
            store, claimed = stores[number], []
            for turn in range(12):
                rows = store.read_due(NOW + 20, 30).rows
                claims = [claim_of(row, then=row.next_run_time + 1) for row in rows[:: 1 - 2 * (number % 2)]]
                won = store.claim(f"n{number}", claims)
                claimed += [key for index in won for key in keys_of(claims[index])]
                store.finish([done(key) for key in claimed[::-1]], keep=turn % 3 != 0)
                store.take_over(f"n{(number + 1) % 3}", LATER, "gone")
                if turn % 4 == 3:
                    store.prune_runs(NOW + turn, 5)
            stop.set()
            return claimed

        claimed = [key for keys in race(range(3), work) for key in keys]
        assert len(claimed) == len(set(claimed))
        assert len({(key.job_id, key.run_time) for key in claimed}) == len(claimed)


def statements_of(store):
    """Return the list that the statements of `store` are appended to from now on."""
    seen = []
    event.listen(store.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    return seen


def rows_sent_to(store):
    """Return the list that the numbers of rows which the database sends to `store` are appended to from now on."""
    counts = []
    fetch = type(store._db).fetch

    def counted(statement, values=None):
        rows = fetch(store._db, statement, values)
        counts.append(len(rows))
        return rows

    store._db.fetch = counted
    return counts


def fill_with_copies(store, row, count):
    """Insert rows as an own program would, because adding so many jobs takes longer than what is tested."""
    values = {"next_run_time": row.next_run_time, "revision": row.revision, "job_state": row.definition}
    with store.engine.begin() as conn:
        conn.execute(store.jobs_t.insert(), [{"id": f"copy {n}", **values} for n in range(count)])


def first_words(seen):
    """Return the first word of each statement seen so far, and forget them."""
    words = tuple(statement.split()[0] for statement in seen)
    seen.clear()
    return words


def old_table(name):
    """Return the table as 3.x defines it."""
    from sqlalchemy import Column, Float, LargeBinary, String

    return Table(
        name,
        MetaData(),
        Column("id", String(191), primary_key=True),
        Column("next_run_time", Float(25), index=True),
        Column("job_state", LargeBinary, nullable=False),
    )


def make_table_of_3x(url, name):
    """Create such a table, with a job in it."""
    engine = create_engine(url)
    table = old_table(name)
    with engine.begin() as conn:
        table.create(conn)
        conn.execute(table.insert().values(id="old", next_run_time=NOW, job_state=b"opaque"))
    engine.dispose()


def runs_table(store):
    return store.jobs_t.metadata.tables["own_jobs_runs"]
