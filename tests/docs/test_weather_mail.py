"""The worked case of the first guide: a real page from a web server, a real mail to a mail server, on a schedule."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from _programs import PATIENCE, environment

pytest.importorskip("httpx")
pytest.importorskip("selectolax")
pytest.importorskip("aiosmtpd")

from aiosmtpd.controller import Controller

pytestmark = pytest.mark.timeout(150)  # real servers, which a busy machine starts slowly
EXAMPLE = Path(__file__).parents[2] / "examples" / "weather_mail"

# The shape of the forecast pages of a large weather service, with its names of classes.
PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>天气预报</title></head><body>
<div id="7d" class="c7d"><ul class="t clearfix">
<li class="sky skyid lv3 on"><h1>21日（今天）</h1><big class="png40"></big><big class="png40 n00"></big>
<p title="晴" class="wea">晴</p><p class="tem"><i>-2℃</i></p>
<p class="win"><em><span title="北风" class="N"></span></em><i>&lt;3级</i></p><div class="slid"></div></li>
<li class="sky skyid lv2"><h1>22日（明天）</h1><big class="png40 d01"></big>
<p title="多云转小雪" class="wea">多云转小雪</p><p class="tem"><span>6</span>/<i>-4℃</i></p>
<p class="win"><em><span title="南风" class="S"></span></em><i>3-4级转&lt;3级</i></p></li>
</ul></div></body></html>"""


@pytest.fixture
def pages() -> Iterator[tuple[str, list[int]]]:
    """A web server that is overloaded at first, and then sends a page without a forecast: its URL, its answers."""
    plan = [(503, "busy"), (200, "<html><body>maintenance</body></html>"), (200, PAGE)]
    answered: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, text = plan[min(len(answered), 2)]
            answered.append(status)
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as web:
        thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{web.server_port}/{{city}}.html", answered
        web.shutdown()
        thread.join()


@pytest.fixture
def mailbox() -> Iterator[tuple[str, list[EmailMessage]]]:
    """A mail server on a free port that accepts everything: its address, and the mails."""
    mails: list[Any] = []

    class Handler:
        async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:
            mails.append(message_from_bytes(envelope.content, policy=policy.default))
            return "250 taken"

    class OnFreePort(Controller):
        def _trigger_server(self) -> None:
            # Its own start-up check connects to the port that was asked for, which is 0; so the real one is taken.
            self.port = self.server.sockets[0].getsockname()[1]
            super()._trigger_server()

    controller = OnFreePort(Handler(), hostname="127.0.0.1", port=0)
    controller.start()
    yield f"127.0.0.1:{controller.port}", mails
    controller.stop()


def run_example(folder: Path, pages: str, mail_server: str, enough: str) -> str:
    """Run the program until it has printed a line with `enough`, then press Ctrl-C; return all that it printed."""
    variables = {"WEATHER_PAGES": pages, "MAIL_SERVER": mail_server, "FIRST_PAUSE": "0.1"}
    command = [sys.executable, str(EXAMPLE / "main.py"), "beijing", "--now"]
    with subprocess.Popen(
        command, cwd=folder, env={**environment(), **variables}, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as program:  # fmt: skip
        stuck = threading.Timer(PATIENCE, program.kill)
        stuck.start()
        assert program.stdout is not None
        output = ""
        for line in program.stdout:
            output += line
            if enough in line:
                program.send_signal(signal.SIGINT)
                break
        output += program.stdout.read()
        stuck.cancel()
    assert program.returncode == 0, output
    return output


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent to a process as SIGINT")
def test_the_forecast_is_fetched_parsed_and_mailed(
    tmp_path: Path, pages: tuple[str, list[int]], mailbox: tuple[str, list[EmailMessage]]
) -> None:
    output = run_example(tmp_path, pages[0], mailbox[0], "mailed")

    assert pages[1] == [503, 200, 200]
    [mail] = mailbox[1]
    assert mail["Subject"] == "beijing: 晴, -2 ℃"
    assert mail["To"] == "me@example.org"
    assert mail.get_content().splitlines() == [
        "21日（今天）  晴  -2 to ? ℃  <3级",
        "22日（明天）  多云转小雪  -4 to 6 ℃  3-4级转<3级",
    ]
    # The run log, printed at the end, tells of each attempt why it failed.
    assert re.search(r"^beijing, attempt 1 +failed +.*503", output, re.MULTILINE)
    assert re.search(
        r"^beijing, attempt 2 +failed +ValueError: the page has no forecast", output, re.MULTILINE
    )
    assert re.search(r"^beijing, attempt 3 +succeeded +mailed 2 days to me@example.org", output, re.MULTILINE)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent to a process as SIGINT")
def test_after_the_last_attempt_it_is_given_up_until_the_next_morning(
    tmp_path: Path, pages: tuple[str, list[int]]
) -> None:
    nobody_listens = "127.0.0.1:9"
    output = run_example(tmp_path, pages[0], nobody_listens, "attempt 4: ")
    log = [line for line in output.splitlines() if re.match(r"beijing, attempt \d +\w+ ", line)]
    assert [line.split()[3] for line in log] == ["failed"] * 4
    assert "ConnectionRefusedError" in log[3]
