"""Chance for pauses, so that those who wait for the same thing do not all come back at once."""

from __future__ import annotations

import random

# The system's source: a program that seeds `random` gets its numbers undisturbed by the threads of a scheduler, and
# the children of a fork do not all draw the same.
between = random.SystemRandom().uniform
"""Return a random float from the first to the second argument; any thread, any process."""
