"""The job: fetch the page with the forecast of a city, read it, and mail what it says.

Nothing in this file knows of a scheduler: `python forecast.py beijing` mails the forecast once.
"""

import os
import smtplib
import sys
from email.message import EmailMessage
from typing import NamedTuple

import httpx
from selectolax.lexbor import LexborHTMLParser

PAGES = os.environ.get("WEATHER_PAGES", "http://127.0.0.1:8000/{city}.html")
MAIL_SERVER = os.environ.get("MAIL_SERVER", "127.0.0.1:1025")
MAIL_FROM = os.environ.get("MAIL_FROM", "weather@example.org")
MAIL_TO = os.environ.get("MAIL_TO", "me@example.org")


class Day(NamedTuple):
    """One day of a forecast, in degrees Celsius."""

    date: str
    weather: str
    high: int | None
    low: int
    wind: str


def read(page: str) -> list[Day]:
    """Return the days of a forecast page; a page without any is an error, not a mail without content."""
    days = []
    for item in LexborHTMLParser(page).css("ul.t > li"):
        high = item.css_first("p.tem span")  # in the evening the page has no high for today any more
        days.append(
            Day(
                date=item.css_first("h1").text(strip=True),
                weather=item.css_first("p.wea").text(strip=True),
                high=None if high is None else int(high.text(strip=True).rstrip("℃")),
                low=int(item.css_first("p.tem i").text(strip=True).rstrip("℃")),
                wind=item.css_first("p.win i").text(strip=True),
            )
        )
    if not days:
        raise ValueError("the page has no forecast in it: has its layout changed?")
    return days


def letter(city: str, days: list[Day]) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = MAIL_FROM, MAIL_TO
    message["Subject"] = f"{city}: {days[0].weather}, {days[0].low} ℃"
    lines = [
        f"{day.date}  {day.weather}  {day.low} to {day.high if day.high is not None else '?'} ℃  {day.wind}"
        for day in days
    ]
    message.set_content("\n".join(lines) + "\n")
    return message


def mail_forecast(city: str) -> str:
    """Mail the forecast; what is returned stands in the run log, and what is raised does too."""
    answer = httpx.get(PAGES.format(city=city), timeout=10, follow_redirects=True)
    answer.raise_for_status()
    days = read(answer.text)
    host, _, port = MAIL_SERVER.partition(":")
    with smtplib.SMTP(host, int(port or 25), timeout=10) as server:
        server.send_message(letter(city, days))
    return f"mailed {len(days)} days to {MAIL_TO}"


if __name__ == "__main__":
    print(mail_forecast(sys.argv[1]))
