"""Publishes a log list as its publisher does, and follows it here."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

from governance.kernel.clock import now
from governance.pki.ct import loglist
from governance.pki.ct.logs import Log, LogState
from tests.pki.ct.promising import signer

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def usable(**values: Any) -> Log:
    return signer(source="listed", states=(LogState("usable", SINCE),), **values).log


def publish(directory: Path, *logs: Log, at: datetime | None = None, key: Any = KEY) -> Path:
    """Write the list and the signature beside it, as the publisher does."""
    path = directory / "all_logs_list.json"
    data = loglist.to_json(logs, at=at or now()).encode()
    path.write_bytes(data)
    if isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    else:
        signature = key.sign(data, ec.ECDSA(hashes.SHA256()))
    path.with_suffix(".sig").write_bytes(signature)
    return path


def follow(place: str) -> None:
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    path = Path(settings.DATA_DIR) / "publisher.pem"
    path.write_bytes(pem)
    settings.GOV = settings.GOV.model_copy(update={"ct_log_list": place, "ct_log_list_key": str(path)})
