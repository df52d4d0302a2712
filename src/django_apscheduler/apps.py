"""The Django app."""

from __future__ import annotations

try:
    from django.apps import AppConfig
except ImportError as exc:
    raise ImportError("django_apscheduler needs Django: pip install 'apscheduler[django]'") from exc
from django.utils.translation import gettext_lazy as _

__all__ = ("DjangoApschedulerConfig",)


class DjangoApschedulerConfig(AppConfig):
    """Jobs, their executions, and the admin pages of both."""

    name = "django_apscheduler"
    verbose_name = _("Scheduled jobs")
    default_auto_field = "django.db.models.BigAutoField"
