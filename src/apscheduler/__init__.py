"""A job scheduler for Python programs, with the interface of APScheduler 3.

Importing this package loads nothing else; start from `apscheduler.schedulers.background`.
"""

version = release = __version__ = "3.20.0"
version_info = (3, 20, 0)
