"""A Django project in a folder of its own, and its processes."""

from __future__ import annotations

import http.cookiejar
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE = 40.0
TESTS = Path(__file__).parents[1]


class Project:
    """A project that `django-admin startproject` makes, or that is there; its processes are ended by `close()`."""

    def __init__(self, folder: Path, make: bool = True, **settings: Any) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")},
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONWARNINGS": "default",
        }
        self.environment.pop("RUN_MAIN", None)
        self.address = ""
        if make:
            self.run("-m", "django", "startproject", "project", ".")
        self.settings(**settings)

    def settings(self, **values: Any) -> None:
        """Set settings, on top of what is there; `APPS` are installed besides."""
        lines = [f"INSTALLED_APPS += {values.pop('APPS')!r}"] if "APPS" in values else []
        lines += [f"{name} = {value!r}" for name, value in values.items()]
        if "mysql" in str(values.get("DATABASES")):
            lines.insert(0, f"import sys; sys.path.insert(0, {str(TESTS)!r})")
            lines.insert(1, "from _django_databases import use_pymysql; use_pymysql()")
        with (self.folder / "project" / "settings.py").open("a") as file:
            file.write("\n" + "\n".join(lines) + "\n")

    def write(self, name: str, text: str) -> None:
        """Write a file of the project, and make the packages that it is in."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for parent in [path.parent, *path.parent.parents]:
            if parent == self.folder:
                break
            (parent / "__init__.py").touch()
        path.write_text(text, encoding="utf-8")

    # -- commands -------------------------------------------------------------------------------------------------

    def run(self, *arguments: str, check: bool = True, **environment: str) -> str:
        """Run Python in the folder of the project, and return all that it printed."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert not (check and done.returncode), done.stdout
        return done.stdout

    def manage(self, *arguments: str, check: bool = True, **environment: str) -> str:
        """Run a command of `manage.py`."""
        return self.run("manage.py", *arguments, check=check, **environment)

    def python(self, code: str) -> str:
        """Run code in the project, without its commands; return what it printed."""
        before = (
            "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'project.settings'; django.setup()\n"
        )
        return self.run("-c", before + code)

    def start(self, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a process in the folder of the project; what it prints goes to `log`."""
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**self.environment, **environment},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self.processes.append(process)
        return process

    def runserver(self, *options: str) -> tuple[subprocess.Popen[bytes], str]:
        """Start `runserver` on a free port; return it, and its address when it answers."""
        port = free_port()
        process = self.start(sys.executable, "manage.py", "runserver", f"127.0.0.1:{port}", *options)
        address = f"http://127.0.0.1:{port}"
        self.until(lambda: answers(address), process)
        return process, address

    def end(self, process: subprocess.Popen[bytes], with_signal: signal.Signals = signal.SIGTERM) -> int:
        """End a process, and return its exit status."""
        if process.poll() is None:
            process.send_signal(with_signal)
        return process.wait(PATIENCE)

    def close(self) -> None:
        """End all processes."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    # -- what is seen ---------------------------------------------------------------------------------------------

    def log(self) -> str:
        """Return what the processes have printed."""
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def until(self, true: Callable[[], Any], process: subprocess.Popen[bytes] | None = None) -> Any:
        """Return what `true()` returns as soon as that is true."""
        end = time.monotonic() + PATIENCE
        while not (found := true()):
            assert time.monotonic() < end, f"it did not come true\n{self.log()[-4000:]}"
            assert process is None or process.poll() is None, self.log()[-4000:]
            time.sleep(0.05)
        return found


class Browser:
    """A browser without a screen and without scripts: pages, forms and cookies."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, path: str) -> str:
        """Return a page."""
        with self.opener.open(self.address + path, timeout=PATIENCE) as page:
            return str(page.read().decode())

    def post(self, path: str, **values: Any) -> str:
        """Send a form, and return the page that follows."""
        token = next((cookie.value for cookie in self.cookies if cookie.name == "csrftoken"), "")
        data = urllib.parse.urlencode({"csrfmiddlewaretoken": token, **values}, doseq=True).encode()
        request = urllib.request.Request(
            self.address + path, data, {"Referer": self.address + path, "X-CSRFToken": str(token)}
        )
        with self.opener.open(request, timeout=PATIENCE) as page:
            return str(page.read().decode())

    def log_in(self, name: str = "boss", password: str = "secret-42") -> None:
        """Sign in to the admin."""
        self.get("/admin/login/")
        self.post("/admin/login/?next=/admin/", username=name, password=password)

    def text(self, path: str) -> str:
        """Return what a page says, without its tags."""
        return text_of(self.get(path))


def text_of(page: str) -> str:
    """Return what a page says, without its tags, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def answers(address: str) -> bool:
    """Return whether a web server answers, whatever it says."""
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
