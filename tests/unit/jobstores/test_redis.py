"""What can be said of the Redis job store without a server."""

import struct

import pytest
import redis.asyncio
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from apscheduler._core.claims import FAILED, Finish, RunKey
from apscheduler.jobstores import _redis_format as form
from apscheduler.jobstores._redis_keys import TYPES, key_names
from apscheduler.jobstores.redis import RedisJobStore

TIMES = st.floats(-62135596800, 253402300800)


# -- names of the keys -------------------------------------------------------------------------------------------------


def test_the_keys_of_3x_keep_their_names_and_ours_stand_beside_them():
    store = RedisJobStore()
    assert (store.jobs_key, store.run_times_key) == ("apscheduler.jobs", "apscheduler.run_times")
    keys = key_names("apscheduler.jobs", "apscheduler.run_times", cluster=False)
    assert keys.every[:2] == ("apscheduler.jobs", "apscheduler.run_times")
    assert all(key.startswith("{apscheduler.jobs}.") for key in keys.every[2:])
    assert len(set(keys.every)) == len(keys.every) == len(TYPES) == 17


@pytest.mark.parametrize(
    ("jobs", "run_times", "expected"),
    [
        ("apscheduler.jobs", "apscheduler.run_times", ("apscheduler.jobs", "{apscheduler.jobs}.apscheduler.run_times")),
        ("{app}.jobs", "{app}.times", ("{app}.jobs", "{app}.times")),
        ("{app}.jobs", "times", ("{app}.jobs", "{app}.jobs.times")),
        ("app", "{app}.times", ("app", "{app}.times")),
        ("a{app}{b}", "c{app}", ("a{app}{b}", "c{app}")),
    ],
)  # fmt: skip
def test_in_a_cluster_all_keys_have_one_hash_slot(jobs, run_times, expected):
    keys = key_names(jobs, run_times, cluster=True)
    assert (keys.jobs, keys.run_times) == expected
    names = (*keys.every, keys.answer("x"))
    assert len({key_slot(name.encode()) for name in names}) == 1


@pytest.mark.parametrize("jobs", ["a}b", "{}jobs", "a{b"])
def test_braces_that_make_no_tag_are_refused_in_a_cluster_only(jobs):
    with pytest.raises(ValueError, match="braces"):
        key_names(jobs, "times", cluster=True)
    assert key_names(jobs, "times", cluster=False).jobs == jobs


@pytest.mark.parametrize("name", ["jobs_key", "run_times_key"])
def test_an_empty_key_is_refused_as_in_3x(name):
    with pytest.raises(ValueError, match=f'The "{name}" parameter must not be empty'):
        RedisJobStore(**{name: ""})


def test_one_key_for_both_is_refused():
    with pytest.raises(ValueError, match="two names"):
        RedisJobStore(jobs_key="x", run_times_key="x")


# -- clients -----------------------------------------------------------------------------------------------------------


def test_arguments_and_urls_go_to_the_client():
    def options(store):
        return store.redis.connection_pool.connection_kwargs

    store = RedisJobStore(db="3", host="h", port=1, password="secret", ssl=True, socket_timeout=7)
    found = options(store)
    assert (found["db"], found["host"], found["port"], found["password"]) == (3, "h", 1, "secret")
    assert found["socket_timeout"] == 7
    assert store.redis.connection_pool.connection_class is redis.SSLConnection
    assert options(RedisJobStore(2, url="redis://u:p@h:5/4"))["db"] == 4
    assert options(RedisJobStore(2, url="redis://u:p@h:5"))["db"] == 2
    assert options(RedisJobStore(url="unix:///run/redis.sock"))["path"] == "/run/redis.sock"
    assert options(RedisJobStore())["socket_timeout"] == 5


A_CLIENT = redis.Redis(port=1)


@pytest.mark.parametrize("given", [A_CLIENT, f"{__name__}:A_CLIENT"])
def test_a_client_that_is_given_is_used_and_left_open(given, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, __name__, __import__("sys").modules[__name__])
    closed = []
    monkeypatch.setattr(A_CLIENT, "close", lambda: closed.append(1), raising=True)
    store = RedisJobStore(client=given)
    assert store.redis is A_CLIENT
    store.shutdown()
    assert closed == []


def test_arguments_beside_a_client_are_refused():
    with pytest.raises(ValueError, match="these say nothing: port, url"):
        RedisJobStore(client=redis.Redis(), url="redis://h", port=1)


@pytest.mark.parametrize(
    ("client", "message"),
    [
        (redis.asyncio.Redis(), "blocking client"),
        (redis.Redis(decode_responses=True), "decode_responses"),
        (object(), "client must be"),
    ],
)
def test_a_client_that_cannot_be_used_is_refused(client, message):
    with pytest.raises(TypeError, match=message):
        RedisJobStore(client=client)


def test_a_store_is_shown_as_in_3x():
    assert repr(RedisJobStore()) == "<RedisJobStore>"


# -- forms -------------------------------------------------------------------------------------------------------------


@given(st.lists(TIMES, max_size=20))
def test_times_as_bytes_are_in_the_order_of_time(times):
    assert sorted(times) == [stamp for _, stamp in sorted((form.sortable(t), t) for t in times)]


TEXTS = st.none() | st.text(st.characters(codec=None), max_size=30)


KEYS = st.builds(RunKey, st.text(min_size=1), st.integers(0, 2**53), TIMES, st.integers(-32768, 32767))
VALUES = st.tuples(st.none() | TIMES, TIMES, TEXTS, TEXTS, TEXTS, st.none() | st.binary(max_size=30))


@given(KEYS, VALUES)
def test_a_record_is_read_as_it_was_written(key, values):
    outcome = Finish(key, FAILED, *values)
    packed = form.pack_outcomes([outcome])
    name = form.named(key.job_id)
    assert packed.startswith(name)
    token, status = packed[len(name) : len(name) + 18], packed[len(name) + 18]
    tail = packed[len(name) + 23 :]
    record = name + token + bytes((status,)) + struct.pack(">H", 2) + b"n1" + tail  # as the scripts do
    answer = struct.pack(">QI", 7, len(record)) + record
    (run,) = form.read_records(answer)
    assert run == (7, *key, FAILED, "n1", outcome.reason, *outcome[2:4], *outcome[5:])


@given(st.binary(max_size=80))
def test_a_record_that_somebody_else_has_written_is_passed_over(rubbish):
    token = form.pack_outcomes([Finish(RunKey("j", 1, 2.0), FAILED, 1.0, 2.0)])[5:23]
    record = form.named("j") + token + bytes((2,)) + b"\0\0" + form.pack_tail(1.0, 2.0)
    answer = struct.pack(">QI", 1, len(rubbish)) + rubbish + struct.pack(">QI", 2, len(record)) + record
    assert [run.id for run in form.read_records(answer)][-1] == 2
