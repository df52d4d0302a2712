"""The settings that mypy reads Django's models with."""

INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django_apscheduler"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
SECRET_KEY = "only for mypy"
USE_TZ = True
