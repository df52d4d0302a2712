"""What the jobs do. Both the scheduler and the workers import this file, so a stored job is found by the same name."""

import os


def send_report(customer: str) -> str:
    return f"report for {customer}, sent by process {os.getpid()}"
