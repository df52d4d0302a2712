"""What is kept of an exception."""

from __future__ import annotations

import asyncio
import weakref

import pytest

from apscheduler.executors._failure import forget_locals, one_line, take_apart, traceback_text
from apscheduler.testing._jobs import SpeechlessError, Thing


def caught(function, *args):
    try:
        function(*args)
    except BaseException as exc:
        return exc
    raise AssertionError("it did not raise")


def hold_and_raise(watched, exc):
    thing = Thing()
    watched.append(weakref.ref(thing))
    raise exc


def test_an_error_is_told_on_one_line():
    assert one_line(ValueError("two\n  lines")) == "ValueError: two lines"
    assert one_line(ValueError()) == "ValueError"
    assert one_line(SpeechlessError()) == "SpeechlessError: <the exception's own str() failed>"
    assert len(one_line(ValueError("x" * 10_000))) == 1000


def test_a_traceback_that_cannot_be_formatted_is_told_in_short(monkeypatch):
    def fail(*_):
        raise RuntimeError("a hostile note")

    monkeypatch.setattr("traceback.format_exception", fail)
    assert traceback_text(ValueError("text")) == "ValueError: text\n"


@pytest.mark.parametrize("attribute", ["__cause__", "__context__"])
def test_the_frames_of_what_led_to_the_error_are_cleared_too(attribute):
    watched = []
    exc = ValueError("last")
    setattr(exc, attribute, caught(hold_and_raise, watched, KeyError("first")))
    forget_locals(exc)
    assert watched[0]() is None


def test_the_frames_of_the_parts_of_a_group_are_cleared_too():
    watched = []
    group = ExceptionGroup("both", [caught(hold_and_raise, watched, KeyError(str(n))) for n in range(2)])
    forget_locals(group)
    assert [ref() for ref in watched] == [None, None]


def test_errors_that_refer_to_each_other_in_a_circle_are_cleared():
    watched = []
    first = caught(hold_and_raise, watched, KeyError("first"))
    second = caught(hold_and_raise, watched, KeyError("second"))
    first.__cause__, second.__cause__ = second, first
    forget_locals(first)
    assert [ref() for ref in watched] == [None, None]


def test_what_was_in_the_text_stays_in_the_text():
    exc = caught(hold_and_raise, [], KeyError("key"))
    line, text = take_apart(exc)
    assert line == "KeyError: 'key'"
    assert "in hold_and_raise" in text
    assert exc.__traceback__ is not None


def test_a_suspended_generator_that_an_error_refers_to_lives_on():
    """3.x, and Python's own clear_frames() until 3.13, would end it: it may be anybody's."""

    def background():
        try:
            raise ConnectionError("lost")
        except ConnectionError as exc:
            yield exc
        yield "still alive"

    generator = background()
    stored = next(generator)
    forget_locals(stored)
    assert next(generator) == "still alive"


def test_a_background_task_whose_error_a_job_raises_again_lives_on():
    async def main():
        broken, go_on = asyncio.Event(), asyncio.Event()
        stored = []

        async def connect():
            await asyncio.sleep(0)
            raise ConnectionError("lost")

        async def background():
            while not stored:
                try:
                    await connect()
                except ConnectionError as exc:
                    stored.append(exc)
                    broken.set()
            await go_on.wait()
            return "still alive"

        task = asyncio.create_task(background())
        await broken.wait()

        async def job():
            raise stored[0]

        try:
            await job()
        except ConnectionError as exc:
            take_apart(exc)
        go_on.set()
        return await task

    assert asyncio.run(main()) == "still alive"


def test_an_ended_coroutine_is_cleared():
    watched = []

    async def job():
        hold_and_raise(watched, ValueError("failed"))

    async def outer():
        thing = Thing()
        watched.append(weakref.ref(thing))
        await asyncio.sleep(0)
        await job()

    exc = caught(asyncio.run, outer())
    take_apart(exc)
    assert [ref() for ref in watched] == [None, None]
