"""What the tables of the log say, each time asked anew."""

import hashlib
from collections.abc import Collection

from django.db import router

from governance.kernel.errors import NotFound
from governance.pki.ct.misbehaviour import Misbehaved
from governance.pki.ct.models import CtEntry, CtIssuer, CtLog
from governance.pki.ct.own.log import ID


def database() -> str:
    """Alias of the database that holds the log."""
    return router.db_for_write(CtEntry)


def size() -> int:
    """How many entries the log has; 0 while there is no log."""
    return CtLog.objects.filter(pk=ID).values_list("size", flat=True).first() or 0


def checkpoint() -> str:
    """The newest checkpoint; NotFound while there is no log."""
    text = CtLog.objects.filter(pk=ID).values_list("checkpoint", flat=True).first()
    if text is None:
        raise NotFound("there is no log of ours yet")
    return text


def leaves(start: int, end: int) -> list[bytes]:
    """The leaf hashes of the entries `start` up to but not including `end`; fewer when rows are missing."""
    found = CtEntry.objects.filter(index__gte=start, index__lt=end).order_by("index")
    return [bytes(leaf) for leaf in found.values_list("leaf", flat=True)]


def tile_leaves(start: int, end: int) -> list[bytes]:
    """What data tiles hold of the entries `start` up to but not including `end`; fewer when rows are missing."""
    found = CtEntry.objects.filter(index__gte=start, index__lt=end).order_by("index")
    return [bytes(each) for each in found.values_list("tile_leaf", flat=True)]


def by_identity(identities: Collection[str]) -> dict[str, tuple[int, bytes]]:
    """Index and SCT of those that are logged."""
    found = CtEntry.objects.filter(identity__in=identities).values_list("identity", "index", "sct")
    return {identity: (index, bytes(sct)) for identity, index, sct in found}


def issuer(fingerprint: str) -> bytes:
    """A certificate above an entry, as DER, by its SHA-256 in hex; NotFound when nothing here refers to it."""
    der = CtIssuer.objects.filter(pk=fingerprint).values_list("der", flat=True).first()
    if der is None:
        raise NotFound(f"no entry refers to a certificate {fingerprint[:64]}")
    if hashlib.sha256(der).hexdigest() != fingerprint:
        raise Misbehaved("wrong_entry", f"the certificate kept as {fingerprint} is another", {"der": bytes(der).hex()})
    return bytes(der)


def issuers(fingerprints: Collection[str]) -> set[str]:
    """Those of them that are stored."""
    return set(CtIssuer.objects.filter(pk__in=fingerprints).values_list("fingerprint", flat=True))
