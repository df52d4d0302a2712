"""Django and the scheduler: jobs in the project's database, seen and steered in the admin.

Add `"django_apscheduler"` to `INSTALLED_APPS` and run `manage.py migrate`; see docs/howto/django.md. The import names,
tables and migrations are those of the package `django-apscheduler` 0.7.0 on PyPI, which must not be installed beside.
"""
