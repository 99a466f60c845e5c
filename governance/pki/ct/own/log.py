"""The log in the box: its key, and what whoever relies on it must know of it."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

from governance.kernel.clock import now
from governance.kernel.errors import Invalid, Unavailable
from governance.ledger.merkle import EMPTY_ROOT
from governance.ledger.note import TreeHead
from governance.pki.ct import checkpoint
from governance.pki.ct.logs import Log, log_id_of
from governance.pki.ct.models import CtLog
from governance.pki.keyring import of_log, opened_key, sealed

ID, NAME = 1, "internal"
# A static log has an entry in its tree before it promises anything; 60 s is the most that its kind may ask for.
MMD_S = 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_known: dict[tuple[str, str], Log] = {}


def ensure_log() -> bool:
    """Make the log when there is none; True when it was made. Of two that start at once the first one's counts.

    The address it is made out to is that of the settings of that moment, and stays: it is part of every checkpoint.
    """
    if CtLog.objects.filter(pk=ID).exists():
        return False
    key = ec.generate_private_key(ec.SECP256R1())
    public_key = _public(key)
    at_ms = to_ms(now())
    url = _here(NAME)
    log = _value(NAME, public_key, url)
    head = TreeHead(log.origin, 0, EMPTY_ROOT)
    _, made = CtLog.objects.get_or_create(
        pk=ID,
        defaults={
            "name": NAME,
            "log_id": log.log_id.hex(),
            "public_key": public_key,
            "sealed_key": sealed(key, context=of_log(NAME)),
            "submission_url": url,
            "checkpoint": checkpoint.sign(head, timestamp_ms=at_ms, key=key),
            "checkpoint_at": from_ms(at_ms),
            "created_at": from_ms(at_ms),
        },
    )
    return made


def own_log() -> Log:
    """Our log as others see it; read once in a process, for none of it changes. Unavailable before the first start."""
    place = (str(settings.DATA_DIR), settings.GOV.public_pki_url)
    if place not in _known:
        row = CtLog.objects.filter(pk=ID).first()
        if row is None:
            raise Unavailable("there is no log of ours yet; the first start makes it")
        _known[place] = log_of(row)
    return _known[place]


def log_of(row: CtLog) -> Log:
    """The log of this row."""
    return _value(row.name, bytes(row.public_key), row.submission_url)


def signing_key(row: CtLog) -> ec.EllipticCurvePrivateKey:
    """The log's private key; Unavailable without the key-encryption key that it is sealed with."""
    return _opened(bytes(row.sealed_key), row.name, bytes(row.public_key))


@lru_cache(maxsize=4)
def _opened(sealed_key: bytes, name: str, public_key: bytes) -> ec.EllipticCurvePrivateKey:
    """Opened once, and anew as soon as it is sealed otherwise."""
    try:
        key = opened_key(sealed_key, context=of_log(name))
    except Invalid as error:
        raise Unavailable(f"the private key of the log cannot be opened: {error}") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or _public(key) != public_key:
        raise Unavailable("the private key of the log does not fit its public key")
    return key


def _public(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def to_ms(at: datetime) -> int:
    """Milliseconds since 1970, the rest cut off."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def from_ms(at_ms: int) -> datetime:
    """The moment of so many milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=at_ms)


def _here(name: str) -> str:
    return f"{settings.GOV.public_pki_url.rstrip('/')}/ct/{name}/"


def _value(name: str, public_key: bytes, submission_url: str) -> Log:
    return Log(
        log_id=log_id_of(public_key),
        description=f"Governor {settings.GOV.trust_domain}, log {name}",
        operator=f"Governor {settings.GOV.trust_domain}",
        key_der=public_key,
        kind="static",
        submission_url=submission_url,
        monitoring_url=_here(name),
        mmd_s=MMD_S,
        source="own",
    )
