"""Governance as a Django app."""

from importlib import import_module

from django.apps import AppConfig

SLICES = ("access", "registry", "traffic", "pki")


class GovernanceConfig(AppConfig):
    """Declares every command at the start, so that each has its handler wherever the app runs."""

    name = "governance"
    label = "governance"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import the commands of all slices."""
        for name in SLICES:
            import_module(f"governance.{name}.commands")
