"""What happens to rows in spite of everything: keys that do not open any more, authorities that are left behind."""

import secrets
from datetime import timedelta

from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.ledger.execute import execute
from governance.pki.authority import make_root, to_pem
from governance.pki.importing import imported_issuer
from governance.pki.keyring import of_issued
from governance.pki.keys import make_key
from governance.pki.keys import to_pem as key_pem
from governance.pki.models import Authority, Issued
from governance.pki.queries.authorities import issuer
from governance.pki.sealing import KeyEncryptionKey, seal
from tests.pki.conftest import seen


def altered(stored: bytes) -> bytes:
    """The same with its last bit turned."""
    return stored[:-1] + bytes([stored[-1] ^ 1])


def spoil_key(name: str = "web", namespace: str = "shop") -> None:
    """Alter the sealed key of the newest issue."""
    row = Issued.objects.get(pk=seen(name, namespace).serial)
    assert row.sealed_key is not None
    Issued.objects.filter(pk=row.pk).update(sealed_key=altered(bytes(row.sealed_key)))


def seal_otherwise(name: str = "web", namespace: str = "shop") -> None:
    """Let the key of the newest issue be sealed with a key-encryption key that is not here."""
    serial = seen(name, namespace).serial
    sealed = seal(b"key", kek=KeyEncryptionKey(secret=secrets.token_bytes(32)), context=of_issued(serial))
    Issued.objects.filter(pk=serial).update(sealed_key=sealed)


def spoil_authority(authority: str) -> None:
    """Alter the sealed key of an authority."""
    row = Authority.objects.get(pk=authority)
    assert row.sealed_key is not None
    Authority.objects.filter(pk=authority).update(sealed_key=altered(bytes(row.sealed_key)))


def retire(authority: str) -> None:
    """Let an authority be trusted no more, as the last step of a rotation does."""
    Authority.objects.filter(pk=authority).update(state="retired")


def imported(name: str = "partner", *, life: timedelta = timedelta(days=3650)) -> str:
    """The id of a root that was made elsewhere and signs leaves itself."""
    key = make_key("ECDSA", 256)
    root = make_root(key, common_name=f"{name} root", life=life, at=now())
    execute(imported_issuer(name, to_pem(root).encode(), key_pem(key)), by=SYSTEM)
    there = issuer(name)
    assert there is not None
    return there.signer
