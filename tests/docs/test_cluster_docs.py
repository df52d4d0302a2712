"""The pages about several schedulers: what they show works together, and they promise what we promise."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from _programs import environment, finish, wait_until

from apscheduler._core.claims import RunQuery
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore

DOCS = Path(__file__).parents[2] / "docs"
PROMISE = (
    "each run time is started at most once per store, and at least once within the misfire policy while any scheduler "
    "is up; a run that a crash cut off is repeated only where the job asks for it."
)


def test_the_programs_of_a_separate_scheduler_process_work_together(tmp_path):
    text = (DOCS / "howto" / "separate-scheduler-process.md").read_text(encoding="utf-8")
    for block, name in re.findall(r"```python\n(# (\w+\.py).*?)```", text, re.DOTALL):
        (tmp_path / name).write_text(block, encoding="utf-8")
    command = [sys.executable, "-m", "apscheduler.cli", "run", "worker.py"]
    worker = subprocess.Popen(command, cwd=tmp_path, env=environment())
    store = SQLAlchemyJobStore(f"sqlite:///{tmp_path}/jobs.sqlite")
    try:
        finish(tmp_path / "web.py", tmp_path)
        wait_until(lambda: store.read_runs(RunQuery("invoice-17", ("succeeded",))))
    finally:
        worker.terminate()
        assert worker.wait(20) == 0
        store.engine.dispose()


def test_the_promise_is_made_in_these_words():
    assert PROMISE in (DOCS / "explanation" / "the-promise.md").read_text(encoding="utf-8")
