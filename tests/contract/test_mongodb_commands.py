"""What the MongoDB job store asks of its server: how often, for how much, and what an index serves."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from pymongo.monitoring import CommandListener

from _mongo_server import mongodb_url
from apscheduler._core.claims import SKIPPED, NewRun, RunQuery
from apscheduler.jobstores._document_pending import pending_of
from apscheduler.jobstores.mongodb import MongoDBJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.testing._jobstore_tools import (
    LATER,
    MUCH_LATER,
    NOW,
    StandIn,
    added,
    claim_of,
    do_nothing,
    done,
    keys_of,
    row_of,
    runs_of,
    stored,
)

MANY = 500


class Commands(CommandListener):
    """Notes the commands that a client sends."""

    def __init__(self):
        self.sent = []

    def started(self, event):
        if event.command_name != "endSessions":
            self.sent.append(event)

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass

    def taken(self):
        """Return what was sent since this was last asked, as "find jobs" and so on."""
        sent, self.sent = self.sent, []
        return [f"{event.command_name} {event.command.get(event.command_name)}" for event in sent]


@pytest.fixture
def commands():
    return Commands()


@pytest.fixture
def store(commands):
    client = MongoClient(mongodb_url(), event_listeners=[commands])
    client.drop_database("commands")
    store = MongoDBJobStore("commands", client=client)
    store.start(StandIn(), "default")
    yield store
    store.shutdown()
    client.drop_database("commands")
    client.close()


def add_many(store, **options):
    store.insert_jobs([row_of(store, f"j{n}", NOW, **options) for n in range(MANY)])
    return store.read_due(NOW, MANY).rows


def outcomes_of(claims):
    return [done(key) for claim in claims for key in keys_of(claim)]


def test_a_turn_of_many_jobs_takes_five_commands(store, commands):
    add_many(store)
    commands.taken()
    rows = store.read_due(NOW, MANY).rows
    assert commands.taken() == ["find jobs", "find jobs"]
    claims = [claim_of(row) for row in rows]
    assert len(store.claim("n1", claims)) == MANY
    assert commands.taken() == ["update jobs"]
    store.finish(outcomes_of(claims))
    assert commands.taken() == ["insert jobs_runs", "update jobs"]


def test_a_run_takes_few_fields_each_way_and_no_paths(store, commands):
    added(store)
    [row] = store.read_due(NOW, 10).rows
    claim = claim_of(row)
    commands.sent.clear()
    store.claim("n1", [claim])
    [claimed] = _updates(commands)
    assert claimed["q"].keys() == {"_id", "revision"}
    assert {name: set(values) for name, values in claimed["u"].items()} == {
        "$set": {"next_run_time", "revision", "pending", "busy"}
    }
    assert [set(entry) for entry in claimed["u"]["$set"]["pending"].values()] == [
        {"node", "revision", "attempt", "runs"}
    ]
    store.finish(outcomes_of([claim]))
    inserted, _ = commands.sent
    [record] = inserted.command["documents"]
    assert record.keys() == {
        "_id", "number", "job_id", "revision", "run_time", "attempt", "status", "node", "started", "finished",
    }  # fmt: skip
    [dropped] = _updates(commands)
    assert {name: set(values) for name, values in dropped["u"].items()} == {"$unset": {"pending", "busy"}}


def _updates(commands):
    sent, commands.sent = commands.sent, []
    return [change for event in sent for change in event.command.get("updates", ())]


def test_a_claim_beside_runs_in_flight_leaves_those_alone(store):
    row = added(store)
    first = claim_of(row)
    store.claim("n1", [first])
    store.claim("n1", [claim_of(stored(store), then=MUCH_LATER, runs=[NewRun(LATER)])])
    left = store.collection.find_one({"_id": "j"})
    assert len(left["pending"]) == 2
    store.finish(outcomes_of([first]))
    left = store.collection.find_one({"_id": "j"})
    assert (len(left["pending"]), left["busy"]) == (1, True)


def test_a_job_is_claimed_as_a_whole_only_at_the_revision_at_which_nothing_was_pending(store):
    other = MongoDBJobStore("commands", client=store.client)
    added(store)
    [row] = store.read_due(NOW, 10).rows  # by which this store knows it as idle
    other.claim("n2", [claim_of(row)])
    assert list(store.claim("n1", [claim_of(row)])) == []
    store.claim("n1", [claim_of(stored(store), then=MUCH_LATER, runs=[NewRun(LATER)])])
    assert sorted(run.node for run in runs_of(store)) == ["n1", "n2"]
    assert [run.status for run in runs_of(store)] == ["running", "running"]


def test_what_an_older_release_wrote_is_read_and_goes_on(store):
    added(store)
    store.collection.update_one({"_id": "j"}, {"$set": {"pending": {}}})
    [row] = store.read_due(NOW, 10).rows
    claim = claim_of(row)
    store.claim("n1", [claim])
    store.finish(outcomes_of([claim]))
    new = store.read_runs(RunQuery("j"))
    nothing = dict.fromkeys(("reason", "error", "traceback", "result"))
    records = store.client.commands.jobs_runs
    assert records.update_one({}, {"$set": nothing}).modified_count == 1
    assert store.read_runs(RunQuery("j")) == new
    assert "pending" not in store.collection.find_one({"_id": "j"})


def test_where_more_is_due_than_asked_for_nobody_asks_for_a_later_time(store, commands):
    add_many(store)
    commands.taken()
    due = store.read_due(NOW, 10)
    assert (len(due.rows), due.next_run_time) == (10, None)
    assert commands.taken() == ["find jobs"]


def test_the_end_of_one_shot_jobs_removes_them_with_one_command_more(store, commands):
    claims = [claim_of(row, then=None) for row in add_many(store)]
    store.claim("n1", claims[:1])
    store.finish(outcomes_of(claims[:1]))  # after which the floor is known
    commands.taken()
    store.claim("n1", claims[1:])
    assert commands.taken() == ["update jobs"]
    store.finish(outcomes_of(claims[1:]))
    assert commands.taken() == ["insert jobs_runs", "update jobs_numbers", "delete jobs"]
    assert store.read_jobs() == []
    assert store.collection.count_documents({}) == 0


def test_skipped_run_times_are_recorded_at_once_with_three_commands_more(store, commands):
    claims = [claim_of(row, runs=[NewRun(NOW, SKIPPED, "max_instances")]) for row in add_many(store)]
    commands.taken()
    store.claim("n1", claims)
    assert commands.taken() == ["update jobs", "find jobs", "insert jobs_runs", "update jobs"]
    assert Counter(run.status for run in store.read_runs(RunQuery(limit=None))) == {SKIPPED: MANY}


def test_nothing_is_left_in_a_job_whose_runs_have_ended(store):
    row = added(store)
    plain = store.collection.find_one({"_id": "j"})
    claims = [claim_of(row, runs=[NewRun(NOW), NewRun(NOW + 1)])]
    store.claim("n1", claims)
    for outcome in outcomes_of(claims):
        assert store.collection.find_one({"busy": True})["_id"] == "j"
        store.finish([outcome])
    left = store.collection.find_one({"_id": "j"})
    assert left == {**plain, "next_run_time": LATER, "revision": row.revision + 1}


def test_a_job_that_is_claimed_again_before_the_first_run_ends_forgets_both(store):
    row = added(store)
    first = claim_of(row)
    store.claim("n1", [first])
    second = claim_of(stored(store), then=MUCH_LATER, runs=[NewRun(LATER)])
    store.claim("n1", [second])
    store.finish(outcomes_of([first]))
    store.finish(outcomes_of([second]))
    left = store.collection.find_one({"_id": "j"})
    assert ("pending" in left, "busy" in left) == (False, False)
    assert [run.status for run in runs_of(store)] == ["succeeded", "succeeded"]


def test_a_one_shot_job_whose_runs_end_on_two_nodes_at_the_same_time_is_removed(store):
    row = added(store)
    claims = [claim_of(row, then=None, runs=[NewRun(NOW), NewRun(NOW + 1)])]
    store.claim("n1", claims)
    _both_end_at_the_same_time(store, claims)
    assert store.collection.count_documents({}) == 0
    assert len(runs_of(store)) == 2


def test_a_one_shot_job_that_is_added_again_during_its_run_holds_nothing_after_it(store):
    added(store)
    [row] = store.read_due(NOW, 10).rows
    claim = claim_of(row, then=None)
    store.claim("n1", [claim])
    added(store, at=MUCH_LATER)
    store.finish(outcomes_of([claim]))
    left = store.collection.find_one({"_id": "j"})
    assert left["next_run_time"] == MUCH_LATER
    assert not left.keys() & {"busy", "gone", "pending"}


def test_two_runs_of_a_job_that_end_on_two_nodes_at_the_same_time_leave_nothing(store):
    row = added(store)
    claims = [claim_of(row, runs=[NewRun(NOW), NewRun(NOW + 1)])]
    store.claim("n1", claims)
    _both_end_at_the_same_time(store, claims)
    assert not store.collection.find_one({"_id": "j"}).keys() & {"busy", "pending"}


def _both_end_at_the_same_time(store, claims) -> None:
    """Have the first of two runs of a job end after the second one's end has read the document."""
    first, second = outcomes_of(claims)
    stale = store._jobs.with_pending(["j"])
    store.finish([first])
    ended = [run for document in stale for run in pending_of(document) if run.key == second.key]
    store._jobs.record(stale, [run._replace(run=run.run._replace(status="succeeded")) for run in ended])


def test_pruning_reads_keys_and_counts_only_jobs_that_have_new_records(store, commands):
    rows = add_many(store)
    claims = [claim_of(row) for row in rows]
    store.claim("n1", claims)
    store.finish(outcomes_of(claims))
    assert store.prune_runs(None, 1) == 0  # the first time all jobs are counted
    again = claim_of(stored(store, "j7"), then=MUCH_LATER, runs=[NewRun(LATER)])
    store.claim("n1", [again])
    store.finish(outcomes_of([again]))
    commands.sent.clear()
    assert store.prune_runs(NOW - 1, 1) == 1
    *_, old, count, found, _, removed = [None, *commands.sent]
    assert old.command["projection"] == {"_id": 1, "job_id": 1}
    assert count.command["pipeline"][0] == {"$match": {"job_id": {"$in": ["j7"]}}}
    assert (found.command["limit"], found.command["projection"]) == (1, {"_id": 1, "job_id": 1})
    assert len(removed.command["deletes"]) == 1
    assert [run.run_time for run in runs_of(store, "j7")] == [LATER]


def test_a_share_is_read_by_the_server(store, commands):
    add_many(store)
    store.insert_jobs([row_of(store, f"more{n}", NOW) for n in range(50)])
    store.collection.insert_one({**store.collection.find_one({"_id": "j1"}), "_id": "of 3.x"})
    store.collection.update_one({"_id": "of 3.x"}, {"$unset": {"revision": ""}})
    commands.taken()
    shares = [store.read_share(NOW, 1000, part, 3).rows for part in range(3)]
    assert commands.taken() == ["find jobs"] * 3
    assert sum(map(len, shares)) == MANY + 51
    assert all(row.revision % 3 == part for part, share in enumerate(shares) for row in share)
    assert "of 3.x" in {row.job_id for row in shares[0]}


def test_what_is_read_in_a_turn_is_served_by_an_index(store, commands):
    row = added(store)
    commands.sent.clear()
    store.read_due(NOW, 10)
    store.read_share(NOW, 10, 0, 2)
    store.read_runs(RunQuery("j"))
    store.read_runs(RunQuery(since=NOW))
    store.read_reruns(10)
    store.claim("n1", [claim_of(row)])
    finds = [event for event in commands.sent if event.command_name == "find"]
    assert len(finds) > 6
    for event in finds:
        keep = {
            name: event.command[name] for name in ("find", "filter", "sort", "limit") if name in event.command
        }
        try:
            plan = str(store.client.commands.command("explain", keep)["queryPlanner"]["winningPlan"])
        except OperationFailure:
            pytest.skip("this server explains nothing")
        assert "COLLSCAN" not in plan, keep
        assert "SORT'" not in plan or "repeat" in str(keep), keep


def test_a_scheduler_that_is_alone_and_idle_sends_nothing_but_its_heartbeat(commands, store):
    own = MongoClient(mongodb_url(), event_listeners=[commands])
    scheduler = BackgroundScheduler(
        jobstores={"default": MongoDBJobStore("commands", client=own)}, timezone="UTC", lease=3600
    )
    scheduler.start()
    scheduler.add_job(do_nothing, "interval", hours=1, id="later")
    for _ in range(
        10
    ):  # until it has looked at what was just added, and no longer sees the other one of these tests
        commands.taken()
        time.sleep(1.3)  # longer than it would be polled
        if not commands.sent:
            break
    assert commands.taken() == []
    scheduler.shutdown()
    own.close()


def test_the_first_of_two_outcomes_at_the_same_time_stays(store):
    row = added(store)
    claim = claim_of(row)
    store.claim("n1", [claim])
    stale = store._jobs.with_pending(["j"])
    store.finish(outcomes_of([claim]))
    [late] = [run for document in stale for run in pending_of(document)]
    there = store._jobs.record(stale, [late._replace(run=late.run._replace(status="failed"))])
    assert len(there) == 1
    assert [run.status for run in runs_of(store)] == ["succeeded"]


def test_nothing_to_do_is_no_command(store, commands):
    commands.taken()
    assert list(store.claim("n1", [])) == []
    store.finish([])
    assert commands.taken() == []
