"""Root rotations, and what each waits for."""

from django.conf import settings

from governance.kernel.clock import now
from governance.pki import models
from governance.pki.names import workload_uri
from governance.pki.queries.authorities import bundle_id, roots_pem
from governance.pki.rotation import Consumer, gate
from governance.pki.status import Gate, RotationView


def rotations(*, limit: int = 20) -> list[RotationView]:
    """Rotations, newest first; those under way with the gate of their next step."""
    return [_with_gate(row) for row in models.RootRotation.objects.order_by("-began_at")[:limit]]


def open_rotation(issuer: str) -> RotationView | None:
    """The rotation of an issuer's root that is under way, or None."""
    row = models.RootRotation.objects.filter(issuer=issuer, ended_at=None).first()
    return _with_gate(row) if row else None


def rotation_of(row: models.RootRotation) -> RotationView:
    """A rotation as a value, without its gate."""
    return RotationView(
        id=row.id,
        phase=row.phase,  # type: ignore[arg-type]  # the column holds only what the commands allow
        issuer=row.issuer,
        old_root=row.old_root,
        new_root=row.new_root,
        old_signer=row.old_signer,
        new_signer=row.new_signer,
        began_at=row.began_at,
        phase_at=row.phase_at,
        ended_at=row.ended_at,
        revision=row.revision,
    )


def _with_gate(row: models.RootRotation) -> RotationView:
    from dataclasses import replace

    found = rotation_of(row)
    return found if row.ended_at else replace(found, gate=gate_of(found))


def gate_of(rotation: RotationView) -> Gate:
    """The gate of the next step, by what consumers were seen to hold."""
    if rotation.phase in ("prepared", "activated"):
        return gate(rotation.phase, bundle="", consumers=())
    return gate(
        rotation.phase,
        bundle=bundle_id(roots_pem()),
        consumers=consumers(rotation.old_signer),
        waiting=_waiting(rotation.old_signer) if rotation.phase == "reissuing" else (),
    )


def consumers(old_signer: str) -> list[Consumer]:
    """Everybody who holds a live certificate of a workload, or was seen to fetch one, and how each stands.

    A workload that is not there any more holds up a rotation until it is disabled: nobody can see whether it would
    still work.
    """
    at = now()
    newest = _newest()
    names = set(_workloads()) | set(
        models.Holding.objects.filter(gone_at=None).values_list("consumer", flat=True).distinct()
    )
    roots: dict[str, set[str]] = {}
    behind: dict[str, list[str]] = {}
    for row in models.Holding.objects.filter(gone_at=None, consumer__in=names):
        if row.roots:
            roots.setdefault(row.consumer, set()).add(row.roots)
        if row.secret and row.serial and newest.get(row.secret, row.serial) != row.serial:
            behind.setdefault(row.consumer, []).append(row.secret)
    old = models.Issued.objects.filter(authority=old_signer, not_after__gt=at, revoked_at=None)
    for uri, serial in _workloads().items():
        if old.filter(serial=serial).exists():
            behind.setdefault(uri, []).append("its own certificate")
    return [
        Consumer(
            name=name,
            # Of several processes with one identity, the one that lags counts.
            roots=next(iter(roots[name])) if len(roots.get(name, ())) == 1 else "",
            behind=tuple(behind.get(name, ())),
        )
        for name in sorted(names)
    ]


def _newest() -> dict[str, str]:
    rows = models.Certificate.objects.exclude(serial="")
    return {f"{ns}/{name}": serial for ns, name, serial in rows.values_list("namespace", "secret_name", "serial")}


def _workloads() -> dict[str, str]:
    """Serial of the newest certificate by SPIFFE ID, of enabled workloads whose certificate is still valid."""
    domain = settings.GOV.trust_domain
    rows = models.Workload.objects.filter(enabled=True).values_list("namespace", "name", "serial")
    live = set(
        models.Issued.objects.filter(holder__startswith="workload/", not_after__gt=now(), revoked_at=None).values_list(
            "serial", flat=True
        )
    )
    return {workload_uri(domain, ns, name): serial for ns, name, serial in rows if serial in live}


def _waiting(old_signer: str) -> list[str]:
    """What the old signer signed and is still in use: certificates of ours, and those over keys of others.

    The latter nobody here can issue anew: they are waited for until they expire or are revoked.
    """
    signed = models.Issued.objects.filter(authority=old_signer, not_after__gt=now(), revoked_at=None)
    rows = models.Certificate.objects.filter(serial__in=signed.values("serial"))
    ours = [f"{namespace}/{name}" for namespace, name in rows.values_list("namespace", "name")]
    others = signed.filter(holder__startswith="request/").values_list("holder", "serial")
    return ours + [f"{holder.removeprefix('request/')} ({serial[:8]}, signed by request)" for holder, serial in others]
