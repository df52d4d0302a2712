"""The reference page of the command line, made from the commands themselves.

python -m apscheduler.cli._reference > docs/reference/cli.md
"""

from __future__ import annotations

import inspect
import sys
from typing import Any

from typer.main import get_command

from apscheduler.cli._app import app

_HEAD = """# The command line

Made from the code by `python -m apscheduler.cli._reference`; a test checks that it is current. How to use it:
[command line](../howto/command-line.md).

The command `apscheduler` comes with the extra `cli`: `pip install 'apscheduler[cli]'`. `--install-completion` installs
completion for the shell in use, `--show-completion` prints it.

| exit status | meaning |
| --- | --- |
| 0 | done |
| 1 | done, with a finding: a job does not resolve (`check`), or stays paused (`resume`) |
| 2 | wrong input, told in one line on standard error; nothing was changed |

Times are shown in the local zone or in `--tz`. Where a command takes a TIME, it is ISO 8601 (`2030-12-31`,
`2030-12-31 23:59`), `now`, or a duration before now (`2h`, `30 minutes`). Colour follows the terminal, and `NO_COLOR`.
"""


def reference() -> str:
    """Return the page as Markdown."""
    commands: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]  # it is a group
    return "\n".join([_HEAD, *(_section(name, command) for name, command in commands.items())])


def _section(name: str, command: Any) -> str:
    parameters = [parameter for parameter in command.params if parameter.name != "help"]
    arguments = [p for p in parameters if p.param_type_name == "argument"]
    options = [p for p in parameters if p.param_type_name == "option"]
    usage = " ".join(["apscheduler", name, *(_metavar(p) for p in arguments), "[OPTIONS]"])
    lines = [
        f"## apscheduler {name}",
        "",
        "```text",
        usage,
        "```",
        "",
        inspect.cleandoc(command.help or ""),
        "",
    ]
    lines += ["| | |", "| --- | --- |"]
    lines += [f"| `{_metavar(p)}` | {_cell(p.help)} |" for p in arguments]
    lines += [f"| {_spelling(p)} | {_cell(p.help)}{_default(p)} |" for p in options]
    return "\n".join([*lines, ""])


def _metavar(argument: Any) -> str:
    name = (argument.metavar or argument.name.upper()).strip("[]{}")
    name = name if argument.nargs != -1 or name.endswith("...") else f"{name}..."
    return name if argument.required else f"[{name}]"


def _spelling(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in option.opts)
    value = "" if option.is_flag else f" {option.metavar or 'NUMBER'}"
    return names + value


def _default(option: Any) -> str:
    text = ""
    if option.required:
        text += " Required."
    elif not option.is_flag and isinstance(option.default, str | int) and option.default not in ("", None):
        text += f" Default: `{option.default}`."
    if option.envvar:
        text += f" Else taken from the variable `{option.envvar}`."
    return text


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(reference())
