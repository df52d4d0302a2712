"""Commands of `manage.py`: `runapscheduler`, `apscheduler_jobs`."""
