"""Key-encryption keys, and how tests put them into the settings."""

import base64

from django.conf import settings

from governance.pki.keyring import key_encryption_key

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(range(1, 33))).decode()


def given(**values: str) -> None:
    """Set these settings, as in a process that starts with them."""
    settings.GOV = settings.GOV.model_copy(update=values)
    key_encryption_key.cache_clear()
