"""Work on sessions that the clock starts."""

from importlib import import_module

from django.conf import settings

from governance.schedule import periodic


@periodic(every=3600, permission="system.maintain")
def forget_ended_sessions() -> None:
    """Delete the rows of sessions that can open nothing any more."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
