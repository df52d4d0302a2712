"""`python -m apscheduler.cli` is the same as `apscheduler`."""

from apscheduler.cli import main

main()
