"""Every program of the five guides that this project began with is run by a test, and each test named here exists.

Left: the program, by what it shows. Right: where it is run as written, with its mends.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAMS, JOBS, TABLES = "test_seed_programs.py", "test_seed_jobs.py", "test_seed_tables.py"

COVERAGE = {
    # The first guide, whose worked case fetches the weather forecast and mails it.
    "a job that runs once on a date": (TABLES, "test_date_runs_once_at_the_time_that_is_given"),
    "a job every ten seconds": (TABLES, "test_interval_runs_first_after_one_interval"),
    "an executor of eight processes; stop, remove, pause, resume": (
        PROGRAMS,
        "test_a_process_pool_runs_the_job_elsewhere_and_the_job_can_be_controlled",
    ),
    "the weather forecast, mailed on a schedule": (
        "test_weather_mail.py",
        "test_the_forecast_is_fetched_parsed_and_mailed",
    ),
    # The second shows classes and no programs. The third:
    "the interface of 2.x": (
        PROGRAMS,
        "test_the_interface_of_2x_runs_a_decorated_function_beside_the_server",
    ),
    "three ways to write a date": (
        TABLES,
        "test_date_takes_a_date_a_datetime_and_a_text_and_what_is_long_past_is_recorded_as_missed",
    ),
    "an interval between two dates": (TABLES, "test_interval_between_two_dates"),
    "months, weekdays and hours": (TABLES, "test_cron_runs_when_the_guide_says"),
    "a weekday given as a day of the month": (
        TABLES,
        "test_a_weekday_among_the_days_of_the_month_is_refused_with_what_to_write_instead",
    ),
    "a job by decorator": (JOBS, "test_a_decorator_adds_the_function"),
    "a decorator that names its function": (JOBS, "test_a_decorator_that_names_its_function_is_refused"),
    "removing by id and by handle": (JOBS, "test_a_job_is_removed_by_its_id_and_by_its_handle"),
    "changing the interval": (JOBS, "test_the_interval_is_changed_with_modify_job_and_with_modify"),
    "shutdown, waiting or not": (JOBS, "test_shutdown_with_and_without_waiting"),
    "stores, executors and defaults": (JOBS, "test_stores_and_executors_are_configured_by_alias"),
    "blocking": (PROGRAMS, "test_a_blocking_scheduler_keeps_the_main_program_waiting"),
    "background": (PROGRAMS, "test_a_background_scheduler_lets_the_main_program_go_on"),
    "a first run at once": (PROGRAMS, "test_a_job_that_is_called_before_start_runs_at_once"),
    "a job longer than its interval": (
        PROGRAMS,
        "test_a_job_longer_than_its_interval_is_skipped_while_it_runs",
    ),
    "two instances at the same time": (
        PROGRAMS,
        "test_with_max_instances_2_two_of_them_run_at_the_same_time",
    ),
    "a thread for each run": (PROGRAMS, "test_every_run_has_a_thread_of_its_own_in_one_process"),
    "the list of cron examples": (TABLES, "test_cron_runs_when_the_guide_says"),
    # The fourth.
    "URLs fetched at cron times, with a listener": (
        "test_seed_fetcher.py",
        "test_urls_are_fetched_at_cron_times_and_a_listener_hears_of_it",
    ),
    # The fifth.
    "hello, every two seconds": (PROGRAMS, "test_hello_world_every_two_seconds"),
    "several schedulers": (PROGRAMS, "test_two_background_schedulers_run_jobs_at_the_same_time"),
    "controlling a job by its id": (JOBS, "test_a_job_is_controlled_by_its_id_before_and_after_the_start"),
    "a MongoDB store with the program's client": (
        JOBS,
        "test_a_mongodb_store_is_given_a_client_of_the_program",
    ),
    "Flask": (PROGRAMS, "test_a_flask_application_has_a_job_that_runs_beside_it"),
    "data analysis, a test runner, a device": (TABLES, "test_programs_with_functions_of_their_own_run_them"),
}
"""The programs with Django are run where that is tested."""


@pytest.mark.parametrize("program", COVERAGE)
def test_the_program_is_run_by_a_test(program: str) -> None:
    file, name = COVERAGE[program]
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
