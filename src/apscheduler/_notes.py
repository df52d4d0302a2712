"""What to do about an error, as a note: tracebacks show it below the text, and the text stays that of 3.x.

Because programs written for 3.x compare such texts, or match them in their logs.
"""

from __future__ import annotations

from typing import TypeVar

E = TypeVar("E", bound=BaseException)


def noted(error: E, note: str) -> E:
    """Return `error`, with `note` added to it."""
    error.add_note(note)
    return error
