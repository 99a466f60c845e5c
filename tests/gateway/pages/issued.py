"""A house with certificates in every state, made by issuing them at earlier times; also run before a product starts."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gateway.supervise.prepare import migrate
from governance.kernel.actor import SYSTEM, Origin
from governance.kernel.clock import moved, now
from governance.ledger.execute import execute
from governance.pki import observe
from governance.pki.commands import (
    CreateIssuer,
    CreateJoinToken,
    IssueNow,
    PublishLists,
    RequestCertificate,
    RevokeCertificate,
    SetTransport,
    SetWorkload,
    WithdrawJoinToken,
)
from governance.pki.enrolment import TOKEN_PREFIX, digest, join, names_for
from governance.pki.keys import make_key
from governance.pki.making import new_pair
from governance.pki.observe import Seen
from governance.pki.pem import bundle_id
from governance.pki.queries import authorities, certificates
from governance.pki.requests import make_request
from governance.pki.setup import ensure_pki
from governance.pki.values import DAY_S, CertificateSpec, KeySpec
from governance.pki.windows import Window
from governance.pki.worker import issue_due
from governance.registry.commands import CreateService
from governance.registry.values import ServiceSpec

DAY = timedelta(days=1)
KEYLESS = "partner"
# By what each is to be: namespace/name of the certificate that stands so.
STATES = {
    "ok": "shop/checkout",
    "due": "shop/cart",
    "overdue": "bank/vault",
    "critical": "bank/statements",
    "expired": "shop/legacy",
    "revoked": "bank/cards",
    "failing": "shop/payments",
}


def uri(namespace: str, name: str) -> str:
    """The SPIFFE ID of a workload."""
    return f"spiffe://governor.internal/ns/{namespace}/sa/{name}"


def spec(namespace: str, name: str, **more: Any) -> CertificateSpec:
    """What most of them ask for: a server certificate that its workload of the same name fetches."""
    usual: dict[str, Any] = {
        "secret_name": name,
        "issuer": "internal",
        "dns_names": (f"{name}.{namespace}.example.com",),
        "uris": (uri(namespace, name),),
        "consumers": (uri(namespace, name),),
    }
    return CertificateSpec(**{**usual, **more})


def want(namespace: str, name: str, *, at: datetime | None = None, **more: Any) -> None:
    """Ask for a certificate at some time, and have issued what is due then."""
    moment = at or now()
    with moved(lambda: moment):
        command = RequestCertificate(namespace=namespace, name=name, spec=spec(namespace, name, **more))
        execute(command, by=SYSTEM, reason="asked for by its team")
        issue_due()


def serial_of(namespace: str, name: str) -> str:
    """The serial number of the newest issue."""
    found = certificates.certificate(namespace, name)
    assert found is not None
    return found.serial


def found_house(at: datetime) -> None:
    """Authorities of a hundred days ago, an issuer whose key is elsewhere, and services."""
    with moved(lambda: at - 100 * DAY):
        ensure_pki()
        pair = new_pair("Partner CA")
        known = replace(pair.stored_root, sealed_key=None), replace(pair.stored_signer, sealed_key=None)
        limits = {"max_duration_s": 180 * DAY_S, "namespaces": ("shop", "bank"), "dns_names": ("example.com",)}
        execute(CreateIssuer(name=KEYLESS, authorities=known, **limits), by=SYSTEM, reason="run by a partner")  # type: ignore[arg-type]
        for namespace, name in (("shop", "checkout"), ("shop", "payments"), ("bank", "vault")):
            service = ServiceSpec(namespace=namespace, name=name)
            execute(CreateService(namespace=namespace, spec=service), by=SYSTEM, reason="first start")


def issue_over_time(at: datetime) -> None:
    """One certificate for each entry of STATES, as it stands at `at`."""
    want("shop", "legacy", at=at - 91 * DAY, renewal="Disabled", common_name="legacy.shop.example.com")
    want("bank", "statements", at=at - 88 * DAY, renewal="Disabled", usages=("digital signature", "server auth"))
    weekly = (Window(cron="0 2 * * 6", duration_s=4 * 3600, timezone="Europe/Berlin"),)
    names = ("checkout.shop.example.com", "*.checkout.shop.example.com", "pay.example.com")
    want("shop", "checkout", at=at - 80 * DAY, windows=weekly, renew_before_pct=40, dns_names=names)
    kept = KeySpec(algorithm="RSA", size=2048, rotation_policy="Never")
    want("bank", "vault", at=at - 79 * DAY, renew_before_s=11 * DAY_S + 3600, private_key=kept)
    want("bank", "cards", at=at - 70 * DAY, duration_s=180 * DAY_S)
    fronts = ("*.bank.example.com", "vault.bank.example.com")
    want("bank", "front", at=at - 40 * DAY, dns_names=fronts)
    want("shop", "payments", at=at - 30 * DAY, renew_before_s=20 * DAY_S, duration_s=60 * DAY_S)
    with moved(lambda: at - 21 * DAY):
        execute(IssueNow(namespace="shop", name="checkout"), by=SYSTEM, reason="its renewal is brought forward")
        issue_due()
    want("shop", "payments", at=at - 4 * DAY, issuer=KEYLESS, renew_before_s=20 * DAY_S, duration_s=60 * DAY_S)
    with moved(lambda: at - 3 * DAY):
        issue_due()
    revoke = RevokeCertificate(
        namespace="bank", serial=serial_of("bank", "cards"), cause="keyCompromise", replace=False
    )
    execute(revoke, by=SYSTEM, reason="the key was in a backup that left the house")
    cart = RequestCertificate(namespace="shop", name="cart", spec=spec("shop", "cart"))
    execute(cart, by=SYSTEM, reason="asked for by its team")


def see_consumers(at: datetime) -> None:
    """Consumers that hold the certificates: one process of checkout still has the issue before."""
    roots = bundle_id(authorities.roots_pem())
    old = certificates.history("shop", "checkout")[-1].serial
    held = [
        ("checkout", "checkout-7f9c-a", serial_of("shop", "checkout")),
        ("checkout", "checkout-7f9c-b", serial_of("shop", "checkout")),
        ("checkout", "checkout-5d01-c", old),
        ("payments", "payments-0", serial_of("shop", "payments")),
    ]
    observe.holdings(
        [
            Seen(
                consumer=uri("shop", name),
                process=process,
                secret=f"shop/{name}",
                serial=serial,
                roots=roots,
                how="xds",
            )
            for name, process, serial in held
        ],
        at=at,
    )


def enrol(namespace: str, name: str, *, at: datetime | None = None) -> str:
    """Let a workload join, or only have a token for it when `at` is None; returns the secret."""
    secret, moment = f"{TOKEN_PREFIX}{namespace}-{name}-0123456789abcdef", at or now()
    with moved(lambda: moment):
        token = CreateJoinToken(namespace=namespace, workload=name, digest=digest(secret))
        execute(token, by=SYSTEM, reason="a new machine")
        if at:
            join(secret, make_request(make_key("ECDSA", 256), names_for(namespace, name)), origin=Origin(door="rest"))
    return secret


def enrol_workloads(at: datetime) -> None:
    """Workloads that hold, that held and that may not, tokens in every state, and how two services are called."""
    # In the order of their times: the log takes nothing that is older than its newest entry.
    enrol("shop", "batch", at=at - timedelta(hours=30))
    enrol("shop", "payments", at=at - timedelta(hours=20))
    enrol("shop", "checkout", at=at - timedelta(hours=6))
    enrol("bank", "vault", at=at - timedelta(hours=2))
    execute(SetWorkload(namespace="bank", workload="vault", enabled=False), by=SYSTEM, reason="it was taken over")
    enrol("shop", "search")
    withdrawn = CreateJoinToken(namespace="shop", workload="typo", digest=digest("withdrawn"))
    execute(withdrawn, by=SYSTEM, reason="a new machine")
    execute(WithdrawJoinToken(namespace="shop", id=withdrawn.id), by=SYSTEM, reason="it was misspelt")
    mutual = SetTransport(namespace="shop", service="checkout", mode="mutual", server_uris=(uri("shop", "checkout"),))
    execute(mutual, by=SYSTEM, reason="it takes cards")


def fill(at: datetime | None = None) -> None:
    """Everything above."""
    at = at or now()
    found_house(at)
    issue_over_time(at)
    execute(PublishLists(), by=SYSTEM, reason="they are past half of their life")
    see_consumers(at)
    enrol_workloads(at)


def main() -> None:
    """Fill the data directory of this process before a product is started in it: `manage.py shell -c` runs this."""
    migrate()
    fill()
