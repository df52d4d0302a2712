"""What a turn yields: the calls that a store has to answer."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NamedTuple


class Call(NamedTuple):
    """A call of a store that the turn waits for; `blocks` tells whether it may wait for I/O."""

    make: Callable[[], Any]
    blocks: bool


Steps = Generator[Call, Any, float]
"""A whole turn; it returns the seconds until the next."""

Part = Generator[Call, Any, None]
"""A part of a turn."""
