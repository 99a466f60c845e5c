"""The gateway as a Django app: it has no models, only management commands, templates and pages."""

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    """Makes `manage.py serve` and its like known to Django."""

    name = "gateway"
    label = "gateway"
