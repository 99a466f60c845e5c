"""A root rotation with everybody who follows it, and who accepts what is served meanwhile."""

from cryptography import x509

from governance.kernel.actor import Actor
from governance.kernel.clock import now
from governance.ledger.execute import execute
from governance.pki import chain, observe
from governance.pki.commands import AdvanceRotation
from governance.pki.enrolment import renew
from governance.pki.pem import bundle_id, chain_from_pem
from governance.pki.queries.authorities import authority, roots_pem
from governance.pki.queries.rotation import open_rotation, rotations
from governance.pki.queries.workloads import workload
from governance.pki.status import RotationView
from governance.pki.succession import successor_of
from governance.pki.worker import issue_due
from tests.pki import openssl
from tests.pki.conftest import seen, want
from tests.pki.joining import URI, acting, csr, joined

STEPS = ("distributing", "activated", "reissuing", "retired")
Roots = tuple[x509.Certificate, ...]


def opened() -> None:
    """A workload joins, and fetches the certificate shop/web."""
    want(consumers=(URI,))
    assert issue_due() == 1
    joined()
    observed()


def observed(process: str = "checkout-1", *, roots: str | None = None, serial: str | None = None) -> None:
    """Let the workload be seen with the newest certificate and the roots that are trusted, unless it holds others."""
    held = observe.Seen(
        consumer=URI,
        process=process,
        secret="shop/web",
        serial=seen().serial if serial is None else serial,
        roots=bundle_id(roots_pem()) if roots is None else roots,
        how="xds",
    )
    observe.holdings([held], at=now())


def under_way() -> RotationView:
    there = open_rotation("internal")
    assert there is not None
    return there


def advancing(to: str) -> AdvanceRotation:
    return AdvanceRotation(issuer="internal", to=to)


def renewed() -> None:
    """Let the workload renew its own certificate."""
    there = workload("shop", "checkout")
    assert there is not None
    renew(there.serial, URI, csr(), by=acting())


def rotated(until: str, *, by: Actor) -> None:
    """Take every step up to `until`, with everybody following."""
    execute(successor_of("internal"), by=by)
    for step in STEPS[: STEPS.index(until) + 1] if until != "prepared" else ():
        execute(advancing(step), by=by)
        issue_due()
        if step == "reissuing":
            renewed()
        observed()


def roots() -> tuple[Roots, Roots]:
    """The old root and the new one."""
    there = rotations()[0]
    old, new = authority(there.old_root), authority(there.new_root)
    assert old is not None
    assert new is not None
    return chain_from_pem(old.pem, field="old"), chain_from_pem(new.pem, field="new")


def accepted(certificates: list[x509.Certificate], trusted: Roots) -> bool:
    """Whether the chain holds for a client of the service; OpenSSL and we must agree."""
    said = openssl.verify(certificates, roots=trusted, at=now(), purpose="server", name="web.shop.svc")
    ours = chain.verify(certificates, roots=trusted, at=now(), purpose="server", name="web.shop.svc")
    assert said.ok == ours.ok, (said.text, ours.message)
    return said.ok


def who_accepts(certificates: list[x509.Certificate]) -> set[str]:
    """Of those who trust the old root, the new one, or both."""
    old, new = roots()
    trusting = {"old": old, "both": (*old, *new), "new": new}
    return {name for name, trusted in trusting.items() if accepted(certificates, trusted)}
