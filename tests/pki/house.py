"""A root, an intermediate and a leaf as the house makes them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509

from governance.pki.authority import NOWHERE, Authority, Names, Urls, make_intermediate, make_root
from governance.pki.keys import PrivateKey, make_key
from tests.fixtures.leaves import issue
from tests.pki.forge import AT, DAY, HOST

NAMES = Names(dns=(HOST,))


@cache
def key(name: str, algorithm: str = "ECDSA", size: int = 256) -> PrivateKey:
    """The same key for the same name, whenever it is asked for."""
    del name
    return make_key(algorithm, size)


@dataclass(frozen=True, slots=True)
class House:
    root: Authority
    middle: Authority

    def leaf(self, names: Names = NAMES, life: timedelta = 30 * DAY, **changes: Any) -> x509.Certificate:
        return issue(self.middle, key("leaf").public_key(), names, life=life, **{"at": AT, **changes})


def founded(*, at: datetime = AT, urls: Urls = NOWHERE, dns_names: tuple[str, ...] = ()) -> House:
    """A root of ten years and an intermediate of one."""
    root = a_root(at=at)
    certificate = make_intermediate(
        root,
        key("middle").public_key(),
        common_name="Governor Issuing 1",
        life=365 * DAY,
        at=at,
        urls=urls,
        dns_names=dns_names,
    )
    return House(root, Authority(certificate=certificate, key=key("middle"), chain=(certificate,)))


def a_root(name: str = "Governor Root 1", *, at: datetime = AT, life: timedelta = 3650 * DAY, **more: Any) -> Authority:
    certificate = make_root(key(name), common_name=name, life=life, at=at, **more)
    return Authority(certificate=certificate, key=key(name))
