"""Chains of which the verdict is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509

from governance.pki.faults import Purpose
from tests.pki.forge import AT, HOST, Changes, Forged, leaf, middle, subtrees


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A chain and how it is judged; `whole` has OpenSSL look up authorities in the lists as well."""

    chain: Sequence[x509.Certificate]
    reason: str = "ok"
    openssl: str = "OK"
    roots: Sequence[x509.Certificate] | None = None
    purpose: Purpose = "server"
    name: str = HOST
    at: datetime = AT
    crls: Sequence[x509.CertificateRevocationList] = ()
    whole: bool = False


Make = Callable[[], Case]
AGREED: list[Make] = []
STRICTER: list[Make] = []


def agreed(case: Make) -> Make:
    """OpenSSL says the same."""
    AGREED.append(case)
    return case


def stricter(case: Make) -> Make:
    """OpenSSL lets it pass; the docstring says why we do not."""
    STRICTER.append(case)
    return case


def below(by: Forged | None = None, **changes: Any) -> list[x509.Certificate]:
    """A leaf of `by` and the certificate of `by`."""
    by = by or middle()
    return [leaf(by, **changes), by.certificate]


def instead(value: x509.ExtensionType, *, critical: bool = True) -> Changes:
    """This extension in place of the usual one of its kind."""
    return {type(value): (value, critical)}


def permitting(*names: x509.GeneralName) -> Changes:
    return instead(subtrees(permitted=names))
