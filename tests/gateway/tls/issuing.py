"""An authority for the tests of TLS, and what it issues."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.tls.pair import Pair
from governance.kernel.clock import now
from governance.pki import authority as ca
from governance.pki import keys
from governance.pki.names import Names
from tests.fixtures.leaves import issue

HOUR = timedelta(hours=1)
CART = "spiffe://shop.example/ns/shop/sa/cart"


@dataclass(frozen=True, kw_only=True)
class Made:
    """A chain and its key as they lie in files; not necessarily good ones."""

    chain_pem: bytes
    key_pem: bytes = field(repr=False)

    @property
    def pair(self) -> Pair:
        return Pair(chain_pem=self.chain_pem, key_pem=self.key_pem)


def root(name: str, *, at: datetime, life: timedelta = 1000 * HOUR) -> ca.Authority:
    key = keys.make_key("ECDSA", 256)
    return ca.Authority(certificate=ca.make_root(key, common_name=name, life=life, at=at), key=key)


def below(parent: ca.Authority, name: str, *, at: datetime, life: timedelta = 500 * HOUR) -> ca.Authority:
    key = keys.make_key("ECDSA", 256)
    made = ca.make_intermediate(parent, key.public_key(), common_name=name, life=life, at=at)
    return ca.Authority(certificate=made, key=key, chain=(made, *parent.chain))


class House:
    """A root, an intermediate below it, and leaves below that."""

    def __init__(self, name: str = "shop", at: datetime | None = None) -> None:
        at = at or now()
        self.root = root(f"{name} root", at=at)
        self.issuer = below(self.root, f"{name} issuer", at=at)
        self.roots_pem = ca.to_pem(self.root.certificate).encode()

    def make(
        self,
        *,
        dns: tuple[str, ...] = (),
        uris: tuple[str, ...] = (),
        life: timedelta = HOUR,
        at: datetime | None = None,
        key: keys.PrivateKey | None = None,
    ) -> Made:
        key = key or keys.make_key("ECDSA", 256)
        names = Names(dns=dns, uris=uris)
        leaf = issue(self.issuer, key.public_key(), names, life=life, at=at or now())
        return Made(chain_pem=ca.to_pem(leaf, *self.issuer.chain).encode(), key_pem=keys.to_pem(key))

    def server(self, *dns: str, life: timedelta = HOUR) -> Pair:
        return self.make(dns=dns or ("localhost",), life=life).pair

    def client(self, uri: str = CART, life: timedelta = HOUR) -> Pair:
        return self.make(uris=(uri,), life=life).pair


def seconds(whole: float) -> timedelta:
    return timedelta(seconds=whole)
