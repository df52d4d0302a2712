"""How a job's function is named, checked and stored."""

from __future__ import annotations

import functools
import gc
import weakref
from functools import partial

import job_parts
import pytest
from job_parts import Thing, plain, two

from apscheduler import _callables
from apscheduler._callables import look_at, storable
from apscheduler.util import ref_to_obj

THING = Thing("t")


@pytest.mark.parametrize(
    ("func", "name", "reference"),
    [
        (plain, "plain", "job_parts:plain"),
        (THING.method, "Thing.method", "job_parts:Thing.method"),
        (Thing.of_class, "Thing.of_class", "job_parts:Thing.of_class"),
        (Thing.static, "Thing.static", "job_parts:Thing.static"),
        (Thing.Inner.static, "Thing.Inner.static", "job_parts:Thing.Inner.static"),
        (Thing, "Thing", "job_parts:Thing"),
        (len, "len", "builtins:len"),
        (THING, "Thing", None),
        (partial(plain, 1), "plain", None),
        (partial(partial(plain, 1), 2), "plain", None),
        (lambda: None, "<lambda>", None),
        (job_parts.original, "rebound", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_callable_has_a_name_for_people_and_a_reference_where_one_leads_to_it(func, name, reference):
    looked = look_at(func)
    assert looked.name == name
    assert looked.reference(func) == reference


@pytest.mark.parametrize(
    ("func", "args", "kwargs", "stored"),
    [
        (plain, (1,), {"a": 2}, ("job_parts:plain", (1,), {"a": 2})),
        (THING.method, (1,), {}, ("job_parts:Thing.method", (THING, 1), {})),
        (Thing.of_class, (1,), {}, ("job_parts:Thing.of_class", (1,), {})),
        (Thing.static, (1,), {}, ("job_parts:Thing.static", (1,), {})),
        (THING, (1,), {}, ("job_parts:Thing.__call__", (THING, 1), {})),
        (partial(plain, 1, a=2), (3,), {"b": 4}, ("job_parts:plain", (1, 3), {"a": 2, "b": 4})),
        (partial(plain, a=2), (), {"a": 4}, ("job_parts:plain", (), {"a": 4})),
        (partial(partial(plain, 1), 2), (3,), {}, ("job_parts:plain", (1, 2, 3), {})),
        (partial(THING.method, 5), (), {}, ("job_parts:Thing.method", (THING, 5), {})),
    ],
)
def test_a_call_is_stored_as_what_does_the_same_when_it_is_found_by_its_name(func, args, kwargs, stored):
    call = storable(func, look_at(func).reference(func), args, kwargs)
    assert call == stored
    assert ref_to_obj(call.ref)(*call.args, **call.kwargs) == func(*args, **kwargs)


@pytest.mark.parametrize(
    ("func", "why"),
    [
        (lambda: None, "lambda"),
        (partial(lambda: None), "lambda"),
        ((lambda: lambda: None)(), "lambda"),
        (job_parts.original, "leads to 5"),
    ],
)
def test_what_cannot_be_found_by_a_name_is_refused_with_the_reason(func, why):
    with pytest.raises(ValueError, match=why):
        storable(func, look_at(func).reference(func), (), {})


def test_a_function_inside_a_function_is_refused_with_the_reason():
    def inner(): ...

    class Local:
        def method(self): ...

        def __call__(self): ...

    for func in (inner, Local().method, Local()):
        with pytest.raises(ValueError, match="inside a function|cannot be found|<locals>"):
            storable(func, look_at(func).reference(func), (), {})


def test_a_reference_given_as_text_is_stored_as_it_is():
    assert storable(job_parts.original, "my.module:name", (), {}).ref == "my.module:name"


def test_a_function_whose_name_is_not_bound_yet_has_its_reference():
    """A decorator is called before the name of the function is bound."""
    seen = []

    def decorator(func):
        seen.append(look_at(func).reference(func))
        return func

    namespace = {"decorator": decorator, "__name__": "job_parts"}
    exec("@decorator\ndef not_yet(): ...", namespace)
    assert seen == ["job_parts:not_yet"]


def test_a_decorated_function_is_found_by_the_name_of_the_wrapper():
    @functools.wraps(plain)
    def wrapper(): ...

    assert look_at(wrapper).name == "plain"


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "have not been supplied: one"),
        ((1, 2, 3), {}, "longer than the target callable can handle"),
        ((1,), {"one": 1}, "both args and kwargs: one"),
        ((1,), {"four": 1}, "does not accept the following keyword arguments: four"),
    ],
)
def test_arguments_are_checked_each_time_anew(args, kwargs, message):
    look_at(two).fit(two, (1,), {})
    for _ in range(2):
        with pytest.raises(ValueError, match=message):
            look_at(two).fit(two, args, kwargs)


def test_arguments_that_fit_are_remembered_by_their_shape_and_no_more_than_so_many():
    for number in range(200):
        look_at(plain).fit(plain, (), {f"k{number}": 1})
    assert len(look_at(plain)._fits) <= 64


def test_a_function_is_looked_at_once_and_not_kept_alive():
    def short_lived(): ...

    assert look_at(short_lived) is look_at(short_lived)
    ref, size = weakref.ref(short_lived), len(_callables._known)
    del short_lived
    gc.collect()
    assert ref() is None
    assert len(_callables._known) < size
