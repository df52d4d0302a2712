"""The one error of the command line: input that is refused."""

from __future__ import annotations


class RefusedError(Exception):
    """What was asked for cannot be done; the message is one line for the user: what, which value, what to do.

    The process ends with status 2 and nothing was changed.
    """


def first_line(error: BaseException) -> str:
    """Return the message of an error on one line, or its type where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__
