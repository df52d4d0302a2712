"""What a scheduler can be doing, and the longest time that 3.x would wait for."""

from __future__ import annotations

from threading import TIMEOUT_MAX

STATE_STOPPED = 0
STATE_RUNNING = 1
STATE_PAUSED = 2

__all__ = ("STATE_PAUSED", "STATE_RUNNING", "STATE_STOPPED", "TIMEOUT_MAX")
