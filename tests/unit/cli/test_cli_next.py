"""`apscheduler next`."""

from __future__ import annotations

import json

import pytest

BERLIN = ("--tz", "Europe/Berlin", "--from", "2030-01-01")


def times(cli, *arguments):
    return json.loads(cli("next", *arguments, "--json").stdout)["times"]


def test_a_crontab_line_is_explained_and_its_times_are_listed(cli):
    result = cli("next", "0 3 * * mon-fri", "-n", "2", *BERLIN)
    assert result.stdout.splitlines() == [
        "At 03:00 on Monday to Friday  [Europe/Berlin]",
        "  Tue 2030-01-01 03:00:00 CET    in 3 h",
        "  Wed 2030-01-02 03:00:00 CET    in 1 d 3 h",
    ]
    assert result.stderr == ""


def test_numbers_of_weekdays_come_with_a_note(cli):
    result = cli("next", "0 3 * * 0", "-n", "1", *BERLIN)
    assert "Mon 2030-01-07" in result.stdout
    assert "0 (Monday)" in result.stderr


@pytest.mark.parametrize(
    "text", ["every 5 minutes", "300s", "5m", "interval minutes=5", "interval 5 minutes"]
)
def test_an_interval_counts_from_the_given_time(cli, text):
    assert times(cli, text, "-n", "2", *BERLIN) == ["2030-01-01T00:05:00+01:00", "2030-01-01T00:10:00+01:00"]


def test_an_expression_may_be_several_words(cli):
    assert times(cli, "every", "1h", "30m", "-n", "1", *BERLIN) == ["2030-01-01T01:30:00+01:00"]


@pytest.mark.parametrize("text", ["hour=3 minute=*/30", "cron hour=3 minute=*/30"])
def test_fields_may_be_given_by_name(cli, text):
    assert times(cli, text, "-n", "2", *BERLIN) == ["2030-01-01T03:00:00+01:00", "2030-01-01T03:30:00+01:00"]


def test_a_field_may_hold_a_blank(cli):
    assert times(cli, "day=3rd fri hour=9", "-n", "1", *BERLIN) == ["2030-01-18T09:00:00+01:00"]


def test_a_calendar_interval_begins_on_the_day_of_the_given_time(cli):
    found = times(cli, "calendarinterval months=1 hour=3", "-n", "2", *BERLIN)
    assert found == ["2030-01-01T03:00:00+01:00", "2030-02-01T03:00:00+01:00"]


def test_a_date_fires_once(cli):
    result = cli("next", "2030-12-31 23:59", *BERLIN)
    assert "Once, at 2030-12-31 23:59:00 CET" in result.stdout
    assert "and never after that" in result.stdout


def test_both_passes_of_a_repeated_hour_are_told_apart(cli):
    arguments = ("next", "30 * * * *", "-n", "3", "--tz", "Europe/Berlin", "--from", "2030-10-27 01:00")
    shown = cli(*arguments).stdout
    assert "02:30:00 CEST   in 1 h 30 min" in shown
    assert "02:30:00 CET    in 2 h 30 min" in shown


def test_the_end_of_an_expression_that_has_no_effect_is_warned_of(cli):
    result = cli("next", "day_of_week=mon-fri/2", "-n", "1", *BERLIN)
    assert result.exit_code == 0
    assert "has no effect" in result.stderr


def test_json_tells_the_meaning_too(cli):
    found = json.loads(cli("next", "0 3 * * 0-4", "-n", "1", *BERLIN, "--json").stdout)
    assert found["meaning"] == "At 03:00 on Monday to Friday"
    assert found["timezone"] == "Europe/Berlin"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "EXPRESSION 'nonsense' is not understood"),
        (["61 * * * *"], "maximum value (59)"),
        (["* * * * * *"], "has 5 fields"),
        (["hour=25"], "maximum value (23)"),
        (["foo=3"], "no argument 'foo'"),
        (["interval minutes=x"], "minutes='x' is no number"),
        (["2030-13-01"], "month must be in 1..12"),
        (["every 5 parsecs"], "is not understood"),
        (["90s", "--tz", "Europe/Berlln"], "did you mean 'Europe/Berlin'"),
        (["90s", "--from", "soon"], "--from 'soon' is no time"),
        (["90s", "-n", "0"], "-n"),
        ([], "Missing argument"),
    ],
)
def test_bad_input_is_refused_in_one_line(refused, arguments, words):
    assert words in refused("next", *arguments)
