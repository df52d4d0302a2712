"""TARGET: the scheduler that a module or a file holds."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import traceback
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from apscheduler.cli._errors import RefusedError, first_line
from apscheduler.cli._stored import import_from_here
from apscheduler.schedulers.base import BaseScheduler

_USUAL_NAMES = ("scheduler", "sched", "create_scheduler", "make_scheduler", "get_scheduler")


def load_target(target: str) -> BaseScheduler:
    """Return the scheduler of `module:name`, `module`, `app.py` or `app.py:name`; a callable is called for it.

    Without a name it is the only scheduler of the module, or the one with a usual name.
    """
    import_from_here()
    place, _, name = target.partition(":") if not _is_drive(target) else (target, "", "")
    module = _load_file(target, place) if place.endswith(".py") else _load_module(target, place)
    return _made(target, _attribute(target, module, name) if name else _only_scheduler(target, module))


def _is_drive(target: str) -> bool:
    return target[1:3] == ":\\" and ":" not in target[3:]


def _load_file(target: str, place: str) -> ModuleType:
    path = Path(place).absolute()
    if not path.is_file():
        raise RefusedError(f"TARGET {target!r}: there is no file {path}")
    name = path.stem
    known = sys.modules.get(name)
    if known is not None:
        if getattr(known, "__file__", None) == str(path):
            return known
        raise RefusedError(
            f"TARGET {target!r}: another module is named {name!r}, so give the file another name"
        )
    # Under its own name, so that jobs find their functions there, and workers in other processes too.
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as exc:
        del sys.modules[name]
        raise _failed(target, exc) from exc
    return module


def _load_module(target: str, place: str) -> ModuleType:
    if not place:
        raise RefusedError(
            f"TARGET {target!r} names no module: write it as module:scheduler, or as a file app.py"
        )
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as exc:
        if exc.name is not None and (place == exc.name or place.startswith(f"{exc.name}.")):
            hint = f"; did you mean {place}.py?" if Path(f"{place}.py").is_file() else ""
            raise RefusedError(
                f"TARGET {target!r}: there is no module {place!r} in this folder or on PYTHONPATH{hint}"
            ) from exc
        raise _failed(target, exc) from exc
    except (Exception, SystemExit) as exc:
        raise _failed(target, exc) from exc


def _failed(target: str, exc: BaseException) -> RefusedError:
    """Return what to say of code that raised: where it did, in the user's own file if possible."""
    ours = str(Path(__file__).parents[1])
    frames = [
        frame
        for frame in traceback.extract_tb(exc.__traceback__)
        if "importlib" not in frame.filename and not frame.filename.startswith(ours)
    ]
    where = f" at {frames[-1].filename}, line {frames[-1].lineno}" if frames else ""
    return RefusedError(
        f"TARGET {target!r} cannot be loaded: {type(exc).__name__}: {first_line(exc).rstrip('.')}{where}"
    )


def _attribute(target: str, module: ModuleType, name: str) -> Any:
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            near = get_close_matches(part, [known for known in vars(found) if not known.startswith("_")], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise RefusedError(f"TARGET {target!r}: {module.__name__} has no {name!r}{hint}")
        found = getattr(found, part)
    return found


def _only_scheduler(target: str, module: ModuleType) -> Any:
    known = {name: value for name, value in vars(module).items() if isinstance(value, BaseScheduler)}
    for name in _USUAL_NAMES:
        value = vars(module).get(name)
        if isinstance(value, BaseScheduler) or (name.endswith("_scheduler") and inspect.isroutine(value)):
            return value
    if len({id(value) for value in known.values()}) == 1:
        return next(iter(known.values()))
    if known:
        raise RefusedError(
            f"TARGET {target!r}: {module.__name__} has several schedulers ({', '.join(known)});"
            f" add :name, as in {target}:{next(iter(known))}"
        )
    raise RefusedError(
        f"TARGET {target!r}: {module.__name__} has no scheduler at its top level;"
        f" add the name of one, or of a callable that returns one, as in {target}:make"
    )


def _made(target: str, found: Any) -> BaseScheduler:
    if isinstance(found, BaseScheduler):
        return found
    if not callable(found):
        raise RefusedError(
            f"TARGET {target!r} is a {type(found).__name__}, but has to be a scheduler or a callable that returns one"
        )
    try:
        made = found()
    except (Exception, SystemExit) as exc:
        raise _failed(target, exc) from exc
    if inspect.iscoroutine(made):
        made.close()
    if not isinstance(made, BaseScheduler):
        raise RefusedError(
            f"TARGET {target!r} returned a {type(made).__name__}, but has to return a scheduler"
        )
    return made


def stores_of(scheduler: BaseScheduler) -> dict[str, Any]:
    """Return the job stores of a scheduler by alias, as 3.x names them."""
    return dict(scheduler._jobstores)  # noqa: SLF001 - there is no public name, in 3.x neither


def executors_of(scheduler: BaseScheduler) -> set[str]:
    """Return the aliases of a scheduler's executors; "default" is made when it starts."""
    return {"default", *scheduler._executors}  # noqa: SLF001 - as above
