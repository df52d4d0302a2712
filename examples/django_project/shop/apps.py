"""The app of this project."""

from django.apps import AppConfig


class ShopConfig(AppConfig):
    """A shop. To run its jobs within the web server, it would start a scheduler in `ready()`."""

    name = "shop"
