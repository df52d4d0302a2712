"""What kind of process this is: one that is to run jobs, or a command of `manage.py` that only happens to start them.

A scheduler that is started in `urls.py` or in `AppConfig.ready()` is started by `manage.py migrate` as well, and by
the parent process of `runserver`'s reloader, which only watches files. There it must run nothing: a command ends
within seconds and would cut its runs off, and the parent would run code that was changed since.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from django.apps import apps
from django.conf import settings

# The commands of Django itself that serve nobody, and ours that lists jobs.
DORMANT_COMMANDS = frozenset(
    {
        "apscheduler_jobs",
        "changepassword",
        "check",
        "clearsessions",
        "collectstatic",
        "compilemessages",
        "createcachetable",
        "createsuperuser",
        "dbshell",
        "diffsettings",
        "dumpdata",
        "findstatic",
        "flush",
        "help",
        "inspectdb",
        "loaddata",
        "makemessages",
        "makemigrations",
        "migrate",
        "ogrinspect",
        "optimizemigration",
        "remove_stale_contenttypes",
        "sendtestemail",
        "showmigrations",
        "sqlflush",
        "sqlmigrate",
        "sqlsequencereset",
        "squashmigrations",
        "startapp",
        "startproject",
        "test",
        "version",
    }
)
_RELOADED = {"runserver": "RUN_MAIN", "runserver_plus": "WERKZEUG_RUN_MAIN"}
"""Commands with a reloader, and the variable that tells its child from the parent."""


def reason_to_be_dormant() -> str | None:
    """Return why schedulers that are started in this process are to run nothing, or None where they are to run.

    The setting `APSCHEDULER_DORMANT_COMMANDS` replaces the list of commands.
    """
    command = _command()
    if command is None:
        return None
    variable = _RELOADED.get(command)
    if variable is not None:
        if os.environ.get(variable) != "true" and "--noreload" not in sys.argv:
            return f"this is the process of {command} that watches the files; its child runs them"
        return None
    if command in getattr(settings, "APSCHEDULER_DORMANT_COMMANDS", DORMANT_COMMANDS):
        return f"this is manage.py {command}"
    if command == "shell" and not apps.ready:
        return "a shell runs only schedulers that are started by hand in it"
    return None


def _command() -> str | None:
    """Return the name of the `manage.py` command that this process is, or None."""
    program = Path(sys.argv[0]) if sys.argv else Path()
    is_django = program.name in ("manage.py", "django-admin", "django-admin.exe") or program.parts[-2:] == (
        "django",
        "__main__.py",
    )
    return sys.argv[1] if is_django and len(sys.argv) > 1 else None
