"""The admin pages of the example project in a real browser, with a scheduler that runs in another process.

With APSCHEDULER_SCREENSHOTS=docs/howto/images the pictures of the documentation are taken anew.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from pathlib import Path

import pytest
from _project import PATIENCE, Project

ROOT = Path(__file__).parents[2]
JOBS = "/admin/django_apscheduler/djangojob/"
RUNS = "/admin/django_apscheduler/djangojobexecution/"


ONE_MORE = """

@register_job("interval", seconds=2, id="to_be_removed", misfire_grace_time=30)
def nothing():
    pass
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("django") / "project"
    shutil.copytree(
        ROOT / "examples" / "django_project",
        folder,
        ignore=shutil.ignore_patterns("*.sqlite3", "__pycache__"),
    )
    made = Project(folder, make=False)
    with (folder / "shop" / "jobs.py").open("a") as jobs:
        jobs.write(ONE_MORE)
    # A lease this short has a wish be noticed after a third of a second.
    made.settings(APSCHEDULER_OPTIONS={"lease": 1.0})
    made.manage("migrate")
    made.manage("createsuperuser", "--noinput", "--username=boss", "--email=b@example.org", DJANGO_SUPERUSER_PASSWORD="secret-42")  # fmt: skip
    scheduler = made.start(sys.executable, "manage.py", "runapscheduler")
    _, made.address = made.runserver("--noreload")
    yield made
    assert made.end(scheduler) == 0
    made.close()
    assert "Internal Server Error" not in made.log()


@pytest.fixture(scope="module")
def browser(project):
    driver_path, chromium = (
        shutil.which("chromedriver"),
        shutil.which("chromium") or shutil.which("google-chrome"),
    )
    if not driver_path or not chromium:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("chromium and chromedriver are not installed")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1400,820"):
        options.add_argument(argument)
    service = webdriver.ChromeService(driver_path)
    driver = webdriver.Chrome(options=options, service=service)
    driver.implicitly_wait(10)
    driver.get(project.address + "/admin/")
    driver.find_element("name", "username").send_keys("boss")
    driver.find_element("name", "password").send_keys("secret-42")
    driver.find_element("css selector", "input[type=submit]").click()
    yield driver
    driver.quit()


@pytest.fixture
def page(project, browser):
    return Page(project, browser)


class Page:
    """What a person does with the pages."""

    def __init__(self, project, browser):
        self.project = project
        self.browser = browser

    def open(self, path):
        self.browser.get(self.project.address + path)

    def click(self, selector):
        """Click on what leads to another page, and wait for that."""
        before = self.browser.find_element("tag name", "html")
        self.browser.find_element("css selector", selector).click()
        end = time.monotonic() + PATIENCE
        while not is_gone(before):
            assert time.monotonic() < end
            time.sleep(0.02)

    def listed(self):
        """Return what the list of a page says, "" where there is none."""
        return self.browser.find_element("id", "result_list").text if self.has("#result_list") else ""

    def row(self, job_id):
        """Return what the row of a job says."""
        for row in self.browser.find_elements("css selector", "#result_list tbody tr"):
            if row.find_element("css selector", "th").text == job_id:
                return row.text
        return None

    def act(self, job_id, action):
        """Choose a job, and an action from the list."""
        self.open(JOBS)
        self.browser.find_element("css selector", f"input[name=_selected_action][value={job_id}]").click()
        chosen = self.browser.find_element("css selector", f"select[name=action] option[value={action}]")
        chosen.click()
        self.click("button[name=index]")
        return self.message()

    def message(self):
        """Return what the admin says on top."""
        return self.browser.find_element("css selector", ".messagelist").text

    def until(self, path, true):
        """Reload a page until what is expected of it holds."""
        end = time.monotonic() + PATIENCE
        while True:
            self.open(path)
            found = true()
            if found:
                return found
            assert time.monotonic() < end, self.browser.find_element("tag name", "body").text
            time.sleep(0.2)

    def has(self, selector):
        """Return whether the page has such an element, without waiting for one."""
        self.browser.implicitly_wait(0)
        try:
            return bool(self.browser.find_elements("css selector", selector))
        finally:
            self.browser.implicitly_wait(10)

    def take_picture(self, name):
        """Keep a picture for the documentation, where that is asked for."""
        folder = os.environ.get("APSCHEDULER_SCREENSHOTS")
        if folder:
            self.browser.save_screenshot(str(Path(folder) / f"django-{name}.png"))


def is_gone(element):
    from selenium.common.exceptions import StaleElementReferenceException

    try:
        element.is_enabled()
    except StaleElementReferenceException:
        return True
    return False


def test_jobs_are_listed_with_what_they_do(page):
    page.until(JOBS, lambda: "Error!" in (page.row("import_prices") or ""))
    page.until(JOBS, lambda: "Executed" in (page.row("count_customers") or ""))
    assert "1 scheduler is running" in page.browser.find_element("tag name", "body").text
    nightly = page.row("nightly_report")
    assert "3:30:00 a.m." in nightly, "in the zone of the project"
    assert "At 03:30 on Monday to Friday" in nightly
    assert "scheduled" in nightly
    assert "Every 5 seconds" in page.row("reserve_stock")
    assert re.search(r"\d ms", page.row("count_customers"))
    page.until(JOBS, lambda: "running" in (page.row("reserve_stock") or ""))


def test_a_job_is_run_now_by_the_scheduler_in_the_other_process(page):
    assert "To be run now" in page.act("nightly_report", "run_selected_jobs")
    page.until(JOBS, lambda: "Executed" in page.row("nightly_report"))
    assert "3:30:00 a.m." in page.row("nightly_report"), "it goes on as its trigger says"
    page.open(f"{RUNS}?job=nightly_report")
    page.click("#result_list tbody th a")
    assert "sent to 3 people" in page.browser.find_element("tag name", "body").text


def test_a_job_is_paused_and_resumed(page):
    assert "Paused" in page.act("clean_up", "pause_selected_jobs")
    assert "paused" in page.row("clean_up")
    assert "Nothing was done" in page.act("clean_up", "run_selected_jobs")
    page.open(JOBS)
    page.take_picture("jobs")
    assert "Resumed" in page.act("clean_up", "resume_selected_jobs")
    assert "scheduled" in page.row("clean_up")


def test_a_job_has_a_page_with_buttons(page):
    page.open(f"{JOBS}nightly_report/change/")
    text = page.browser.find_element("tag name", "body").text
    assert "shop.jobs:nightly_report()" in text
    assert "misfire_grace_time=3600" in text
    page.take_picture("job")
    for button, state in (("pause", "paused"), ("resume", "scheduled")):
        page.click(f"button[value={button}]")
        assert state in page.browser.find_element("css selector", ".field-state").text
    assert not page.has("[name=_save]")


def test_executions_are_shown_filtered_and_searched(page):
    wanted = ("Max instances!", "FileNotFoundError", "count_customers")
    page.until(RUNS, lambda: all(text in page.listed() for text in wanted))
    page.take_picture("executions")
    assert not page.has("#content .addlink")
    page.open(f"{RUNS}?status__exact=Error%21")
    badges = page.browser.find_elements("css selector", "#result_list .aps-badge")
    assert {badge.text for badge in badges} == {"Error!"}
    page.open(f"{RUNS}?q=count_customers")
    names = page.browser.find_elements("css selector", "#result_list .field-job_name")
    assert {name.text for name in names} == {"count_customers"}


def test_an_execution_shows_its_traceback(page):
    failed = f"{RUNS}?job=import_prices&status__exact=Error%21"
    page.until(failed, lambda: page.has("#result_list tbody th a"))
    page.click("#result_list tbody th a")
    text = page.browser.find_element("tag name", "body").text
    assert "FileNotFoundError: [Errno 2] No such file or directory: 'prices.csv'" in text
    assert "shop/jobs.py" in text
    assert not page.has("[name=_save]")


def test_a_job_is_removed_and_its_executions_stay(page):
    page.until(JOBS, lambda: "Executed" in (page.row("to_be_removed") or ""))
    page.browser.find_element("css selector", "input[name=_selected_action][value=to_be_removed]").click()
    page.browser.find_element("css selector", "select[name=action] option[value=delete_selected]").click()
    page.click("button[name=index]")
    page.click("#content form input[type=submit]")
    assert "Successfully deleted 1 job" in page.message()
    assert page.row("to_be_removed") is None
    page.open(f"{RUNS}?job=to_be_removed")
    assert "to_be_removed" in page.listed()


def test_the_pages_speak_chinese_too(page):
    page.browser.execute_cdp_cmd("Network.enable", {})
    page.browser.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {"Accept-Language": "zh-hans"}})
    try:
        page.open(JOBS)
        text = page.browser.find_element("tag name", "body").text
        for word in ("下次运行", "触发器", "已排期", "个调度器正在运行"):
            assert word in text
        page.until(RUNS, lambda: "已执行" in page.listed())
    finally:
        page.browser.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {}})
