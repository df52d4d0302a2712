"""Return values in the run log: kept where they are small and made of plain values.

They are pickled, but read by an unpickler that makes nothing but the few value types below, so that looking at a run
log neither runs code nor needs the modules of the program that wrote it.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

LARGEST = 4096
"""Bytes; a larger return value is not kept."""

_ALLOWED = {
    ("datetime", name) for name in ("datetime", "date", "time", "timedelta", "timezone")
} | {
    ("decimal", "Decimal"),
    ("uuid", "UUID"),
    ("builtins", "set"),
    ("builtins", "frozenset"),
    ("builtins", "complex"),
    ("builtins", "bytearray"),
}  # fmt: skip
_SMALL_ATOMS = (bool, int, float)


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not a plain value")
        return super().find_class(module, name)


def dump(value: Any) -> bytes | None:
    """Return `value` as bytes, or None where it is None, large, or not made of plain values."""
    if value is None:
        return None
    try:
        if isinstance(value, (str, bytes, list, tuple, dict, set, frozenset)) and len(value) > LARGEST:
            return None  # before pickling, because that would cost as much as the value is large
        data = pickle.dumps(value, 4)
        if len(data) > LARGEST:
            return None
        if type(value) not in _SMALL_ATOMS:
            _PlainUnpickler(io.BytesIO(data)).load()
    except Exception:  # any object may be returned by a job; one that will not pickle is simply not kept
        return None
    return data


def load(data: bytes | None) -> Any:
    """Return the value in `data`; None where there is none or it cannot be read."""
    if data is None:
        return None
    try:
        return _PlainUnpickler(io.BytesIO(data)).load()
    except Exception:  # damaged bytes must not hide the rest of the run log
        return None
