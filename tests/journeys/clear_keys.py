"""Prints the private number of every P-256 key that an installation has sealed, in hex: `manage.py shell` runs it."""

from governance.pki import models
from governance.pki.keyring import of_authority, of_issued, opened_key
from governance.pki.keys import PrivateKey


def tell() -> None:
    for authority in models.Authority.objects.exclude(sealed_key=None):
        _tell(opened_key(bytes(authority.sealed_key or b""), context=of_authority(authority.id)))
    for issued in models.Issued.objects.exclude(sealed_key=None):
        _tell(opened_key(bytes(issued.sealed_key or b""), context=of_issued(issued.serial)))


def _tell(key: PrivateKey) -> None:
    number = getattr(key.private_numbers(), "private_value", None)
    if number is not None:
        print(f"{number:064x}")  # noqa: T201  (this is what it is for)
