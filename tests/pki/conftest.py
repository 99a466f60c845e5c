"""What tests of certificates share: authorities that are there, and short ways to want certificates and to see them."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509

from governance.kernel import clock
from governance.kernel.actor import SYSTEM, Actor
from governance.kernel.permissions import held_by
from governance.ledger import queries as ledger_queries
from governance.ledger.command import Receipt
from governance.ledger.execute import execute
from governance.ledger.models import Fact
from governance.pki.commands import RequestCertificate
from governance.pki.ct.models import CtLog
from governance.pki.models import Authority, Issued
from governance.pki.pem import chain_from_pem
from governance.pki.queries.certificates import certificate, history
from governance.pki.queries.delivery import Deliverable, deliverables
from governance.pki.setup import ensure_pki
from governance.pki.status import Certificate
from governance.pki.values import CertificateSpec
from tests.fixtures.house import House

DOMAIN = "governor.internal"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def pki(ledger: House) -> House:
    """A house after its first start: the issuer "internal", and the control plane's own certificates."""
    assert ensure_pki()
    return ledger


def of_namespace(name: str, *roles: str, namespace: str = "shop") -> Actor:
    """Someone who holds these roles in one namespace only."""
    return Actor(name=name, kind="person", grants=held_by({namespace: frozenset(roles)}))


def spec_of(**values: Any) -> CertificateSpec:
    return CertificateSpec(**({"secret_name": "web", "issuer": "internal", "dns_names": ("web.shop.svc",)} | values))


def asking(name: str = "web", *, namespace: str = "shop", **values: Any) -> RequestCertificate:
    """The command that wants the certificate `name`, delivered under the same name."""
    own = {"secret_name": name, "dns_names": (f"web.{namespace}.svc",)}
    return RequestCertificate(namespace=namespace, name=name, spec=spec_of(**(own | values)))


def want(name: str = "web", *, namespace: str = "shop", by: Actor = SYSTEM, **values: Any) -> Receipt:
    return execute(asking(name, namespace=namespace, **values), by=by)


def seen(name: str = "web", namespace: str = "shop") -> Certificate:
    """How the certificate stands."""
    there = certificate(namespace, name)
    assert there is not None
    return there


def leaf_of(name: str = "web", namespace: str = "shop") -> x509.Certificate:
    """Its newest issue."""
    return chain_of(name, namespace)[0]


def chain_of(name: str = "web", namespace: str = "shop") -> list[x509.Certificate]:
    """Its newest issue and what is sent after it."""
    newest = next(each for each in history(namespace, name) if each.serial == seen(name, namespace).serial)
    return list(chain_from_pem(newest.chain_pem, field="chain_pem"))


def delivered(name: str = "web", namespace: str = "shop") -> Deliverable | None:
    """What its consumers get: chain and key."""
    return next(iter(deliverables(only={(namespace, name)})), None)


@contextmanager
def clock_at(moment: datetime) -> Iterator[datetime]:
    """Let time stand still at `moment` while the block runs."""
    with clock.moved(lambda: moment):
        yield moment


def renewal_of(name: str = "web", namespace: str = "shop") -> datetime:
    """When it is to be renewed."""
    at = seen(name, namespace).renew_at
    assert at is not None
    return at


def end_of(name: str = "web", namespace: str = "shop") -> datetime:
    """When its newest issue expires."""
    at = seen(name, namespace).not_after
    assert at is not None
    return at


def head() -> int:
    return ledger_queries.head_revision()


def newest_fact() -> ledger_queries.Entry:
    entry = ledger_queries.get(head())
    assert entry is not None
    return entry


def everything_recorded() -> str:
    """The text of all facts."""
    return "\n".join(f"{fact.header}{fact.body}" for fact in Fact.objects.order_by("revision"))


def keys_kept() -> list[bytes]:
    """Every private key in the tables, sealed as it is kept."""
    kept = [
        *Authority.objects.values_list("sealed_key", flat=True),
        *Issued.objects.values_list("sealed_key", flat=True),
        *CtLog.objects.values_list("sealed_key", flat=True),
    ]
    return [bytes(each) for each in kept if each is not None]


def nothing_secret_is_recorded() -> bool:
    """No key stands in a fact: neither in clear nor sealed, however it might have been written."""
    text, kept = everything_recorded(), keys_kept()
    assert kept, "there is no key that could have been recorded"
    forms = [form for each in kept for form in (each.hex(), base64.b64encode(each).decode(), repr(each))]
    return "PRIVATE KEY" not in text and "sealed" not in text and not any(form in text for form in forms)


def lose_key(authority: str) -> bytes:
    """Let an authority's key be gone, as after a restore from a backup without it; returns what `find_key` needs."""
    row = Authority.objects.get(pk=authority)
    assert row.sealed_key is not None
    Authority.objects.filter(pk=authority).update(sealed_key=None)
    return bytes(row.sealed_key)


def find_key(authority: str, kept: bytes) -> None:
    Authority.objects.filter(pk=authority).update(sealed_key=kept)
