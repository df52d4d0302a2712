"""The tables: up to 0009 as `django-apscheduler` 0.7.0 on PyPI makes them, then what is added here."""
