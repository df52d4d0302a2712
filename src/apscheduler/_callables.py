"""How a job's function is named in a store, and whether its arguments fit: worked out once per function.

A plain function is looked at once and remembered (weakly), because `inspect.signature` costs more than everything else
that adding a job does. A bound method, a partial or an object with `__call__` is stored as the function behind it,
with what it is bound to moved into the arguments: that is how 3.x stores bound methods, and 3.x can read the rest too.
"""

from __future__ import annotations

import inspect
import sys
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from types import FunctionType
from typing import Any, NamedTuple

from apscheduler.util import check_callable_args, get_callable_name, obj_to_ref, ref_to_obj


class Storable(NamedTuple):
    """What to write into a store for a callable and its arguments; `ref` is a `module:qualified.name` text."""

    ref: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


class Looked:
    """What was found out about one callable."""

    __slots__ = ("_fits", "_global", "_module", "_qualname", "_ref", "name")

    def __init__(self, func: Callable[..., Any]) -> None:
        self.name: str = _name_of(func)
        self._ref = _ref_or_none(func)
        self._module: str = getattr(func, "__module__", None) or ""
        self._qualname: str = getattr(func, "__qualname__", "")
        self._global = self._ref is not None and type(func) is FunctionType and "." not in self._qualname
        self._fits: set[tuple[int, tuple[str, ...]]] = set()

    def fit(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
        """Return `reference(func)`; raise `ValueError` where `func` cannot be called with these arguments."""
        shape = (len(args), tuple(kwargs)) if args or kwargs else _NO_ARGUMENTS
        if shape not in self._fits:
            try:
                check_callable_args(func, args, kwargs)
            except ValueError as exc:
                given = ", ".join(["..."] * len(args) + [f"{name}=..." for name in kwargs])
                raise ValueError(
                    f"{exc}; it would be called as {self.name}({given}): args=[...] and kwargs={{...}} say with what"
                ) from None
            if len(self._fits) < 64:  # bounded, because **kwargs may come under any number of names
                self._fits.add(shape)
        if self._global and getattr(sys.modules.get(self._module), self._qualname, None) is func:
            return self._ref
        return self.reference(func)

    def reference(self, func: Callable[..., Any]) -> str | None:
        """Return the textual reference of `func` itself, or None where it has none that leads back to it."""
        if self._global:
            bound = getattr(sys.modules.get(self._module), self._qualname, func)
            # A decorator gets a function before its name is bound, or while an older one of that name still is (a
            # module loaded again, a notebook cell run again); only a name for something else altogether misleads.
            if bound is not func and getattr(bound, "__qualname__", None) != self._qualname:
                return None
        return self._ref


_NO_ARGUMENTS: tuple[int, tuple[str, ...]] = (0, ())

# By the id of the function, which counts as long as the reference still leads to it. A WeakKeyDictionary makes a new
# reference for each look, which takes longer than the rest of it.
_known: dict[int, tuple[weakref.ref[FunctionType], Looked]] = {}


def look_at(func: Callable[..., Any]) -> Looked:
    """Return what is known of `func`; a plain function is looked at once."""
    if type(func) is not FunctionType:
        return Looked(func)
    key = id(func)
    known = _known.get(key)
    if known is not None and known[0]() is func:
        return known[1]
    looked = Looked(func)
    _known[key] = weakref.ref(func, lambda _: _known.pop(key, None)), looked
    return looked


def _name_of(func: Callable[..., Any]) -> str:
    return _name_of(func.func) if isinstance(func, partial) else get_callable_name(func)


def _ref_or_none(func: Callable[..., Any]) -> str | None:
    if isinstance(func, partial) or not (inspect.isroutine(func) or inspect.isclass(func)):
        return None
    try:
        return obj_to_ref(func)
    except (ValueError, TypeError, LookupError, AttributeError):
        return None


def storable(
    func: Callable[..., Any], ref: str | None, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Storable:
    """Return how to store a call of `func`, or raise `ValueError` saying why it cannot be stored."""
    if ref is not None and type(func) is FunctionType:  # as most are
        return Storable(ref, args, kwargs)
    if isinstance(func, partial):
        merged = {**func.keywords, **kwargs}
        return storable(func.func, look_at(func.func).reference(func.func), (*func.args, *args), merged)
    if inspect.ismethod(func) and not inspect.isclass(func.__self__):
        ref = ref or _ref_or_none(func)
        if ref is None:
            raise ValueError(_why_not(func))
        return Storable(ref, (func.__self__, *args), kwargs)
    if ref is not None:
        return Storable(ref, args, kwargs)
    if not inspect.isroutine(func) and not inspect.isclass(func):
        call = _ref_or_none(type(func).__call__)
        if call is not None:
            return Storable(call, (func, *args), kwargs)
    raise ValueError(_why_not(func))


def _why_not(func: Callable[..., Any]) -> str:
    qualname = getattr(func, "__qualname__", "")
    if "<lambda>" in qualname:
        return f"{func!r} is a lambda, which has no name to find it by"
    if "<locals>" in qualname:
        return f"{func!r} is defined inside a function, so it cannot be imported"
    name = f"{getattr(func, '__module__', '?')}:{qualname}"
    try:
        found = ref_to_obj(name)
    except Exception:
        return f"{func!r} cannot be found under its name {name}"
    return f"its name {name} leads to {found!r}, not to {func!r}"
