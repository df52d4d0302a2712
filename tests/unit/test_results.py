"""Return values in the run log: small plain values, read without running code."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import enum
import os
import pickle
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apscheduler._results import LARGEST, dump, load


class Colour(enum.IntEnum):
    RED = 1


class Point:
    def __eq__(self, other):
        return True


class Refusing:
    def __reduce__(self):
        raise RuntimeError("no")


PLAIN = [
    True,
    0,
    -(2**80),
    1.5,
    float("inf"),
    "text",
    b"bytes",
    [1, [2, {"a": None}]],
    (1, "a"),
    {"k": (1, 2)},
    {1, 2},
    frozenset([1]),
    1 + 2j,
    bytearray(b"x"),
    dt.datetime(2030, 1, 1, tzinfo=dt.UTC),
    dt.date(2030, 1, 1),
    dt.time(1, 2),
    dt.timedelta(1),
    decimal.Decimal("1.50"),
    uuid.UUID(int=5),
]


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_values_are_kept(value):
    data = dump(value)
    assert isinstance(data, bytes)
    assert load(data) == value
    assert type(load(data)) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        Point(),
        [Point()],
        {"a": object()},
        Colour.RED,
        collections.OrderedDict(a=1),
        os.getcwd,
        Refusing(),
        "x" * (LARGEST + 1),
        b"x" * (LARGEST + 1),
        list(range(LARGEST)),
        [["x" * 3000], ["y" * 3000]],
        10 ** (3 * LARGEST),
    ],
    ids=lambda value: type(value).__name__,
)
def test_anything_else_is_not_kept_and_nothing_is_raised(value):
    assert dump(value) is None


def test_a_value_that_contains_itself_is_harmless():
    value: list[object] = []
    value.append(value)
    data = dump(value)
    assert data is None or load(data)[0][0] is not None
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert dump(deep) is None


class Evil:
    def __reduce__(self):
        return os.system, ("echo pwned",)


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"",
        b"garbage",
        pickle.dumps(Point()),
        pickle.dumps(Evil()),
        dump([1, 2])[:-3],
        b"\x80\x04cos\nsystem\n.",
    ],
)
def test_bytes_that_are_not_a_plain_value_are_read_as_none_and_run_nothing(data):
    assert load(data) is None


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False)
        | st.text()
        | st.binary()
        | st.datetimes(),
        lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_whatever_plain_value_is_kept_comes_back_as_it_was(value):
    data = dump(value)
    assert load(data) == (value if data is not None else None)
