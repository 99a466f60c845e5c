"""Workloads that join, as tests need them."""

import secrets
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256

from governance.kernel.actor import SYSTEM, Actor, Origin
from governance.ledger.execute import execute
from governance.pki.commands import CreateJoinToken, SetWorkload
from governance.pki.enrolment import TOKEN_PREFIX, Enrolled, actor_of, digest, join, names_for
from governance.pki.keys import PrivateKey, make_key
from governance.pki.pem import chain_from_pem
from governance.pki.queries.certificates import issued
from governance.pki.queries.workloads import workload
from governance.pki.requests import make_request
from tests.pki.conftest import DOMAIN

URI = f"spiffe://{DOMAIN}/ns/shop/sa/checkout"
HERE = Origin(door="grpc", address="192.0.2.7")


def creating(secret: str = "", workload: str = "checkout", namespace: str = "shop", **values: Any) -> CreateJoinToken:
    secret = secret or TOKEN_PREFIX + secrets.token_hex(16)
    return CreateJoinToken(namespace=namespace, workload=workload, digest=digest(secret), **values)


def token(workload: str = "checkout", **values: Any) -> str:
    """The secret of a new join token."""
    secret = TOKEN_PREFIX + secrets.token_hex(16)
    execute(creating(secret, workload, **values), by=SYSTEM)
    return secret


def csr(name: str = "checkout", namespace: str = "shop", key: PrivateKey | None = None) -> bytes:
    return make_request(key or make_key("ECDSA", 256), names_for(namespace, name))


def joined(name: str = "checkout") -> Enrolled:
    return join(token(name), csr(name), origin=HERE)


def serial_of(name: str = "checkout", namespace: str = "shop") -> str:
    there = workload(namespace, name)
    assert there is not None
    return there.serial


def acting(name: str = "checkout", namespace: str = "shop", serial: str = "") -> Actor:
    """The workload as whom its certificate `serial`, the newest one unless told, lets it act."""
    there, held = workload(namespace, name), issued(serial or serial_of(name, namespace))
    assert there is not None
    assert held is not None
    leaf = chain_from_pem(held.chain_pem, field="chain_pem")[0]
    return actor_of(there.uri, held.serial, leaf.fingerprint(SHA256()).hex())


def setting(*, enabled: bool, name: str = "checkout", namespace: str = "shop") -> SetWorkload:
    return SetWorkload(namespace=namespace, workload=name, enabled=enabled)
