"""Signs of life of what works without following the ledger, kept beside the followers' cursors."""

from governance.kernel.clock import now
from governance.ledger.models import Cursor


def show(name: str, *, error: str = "") -> None:
    """Say that `name` was at work at this moment, and what it found wrong, if anything."""
    Cursor.objects.update_or_create(follower=name, defaults={"seen_at": now(), "error": error})
