"""Root rotations, and what each waits for."""

from dataclasses import replace

from django.conf import settings

from governance.kernel.clock import now
from governance.pki import models
from governance.pki.holders import holder_of
from governance.pki.names import workload_uri
from governance.pki.pem import bundle_id
from governance.pki.queries.authorities import roots_above, roots_pem
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
    found = rotation_of(row)
    return found if row.ended_at else replace(found, gate=gate_of(found))


def gate_of(rotation: RotationView) -> Gate:
    """The gate of the next step, by what consumers were seen to hold and by what is still in use."""
    if rotation.phase in ("prepared", "activated"):
        return gate(rotation.phase, bundle="", consumers=())
    return gate(
        rotation.phase,
        bundle=bundle_id(roots_pem()),
        consumers=consumers(),
        waiting=waiting(rotation.old_root) if rotation.phase == "reissuing" else (),
    )


def consumers() -> list[Consumer]:
    """Everybody who has a live certificate of a workload, or was seen to fetch one, and how each stands.

    A workload that is not there any more holds up a rotation until it is disabled: nobody can see whether it would
    still work.
    """
    newest = _newest()
    seen = models.Holding.objects.filter(gone_at=None)
    names = {uri for uri, _ in _identities_in_use()} | set(seen.values_list("consumer", flat=True).distinct())
    roots: dict[str, set[str]] = {}
    behind: dict[str, set[str]] = {}
    for row in seen:
        if row.roots:
            roots.setdefault(row.consumer, set()).add(row.roots)
        if row.secret and row.serial and newest.get(row.secret, row.serial) != row.serial:
            behind.setdefault(row.consumer, set()).add(row.secret)
    return [
        Consumer(
            name=name,
            # Of several processes with one identity, the one that lags counts.
            roots=next(iter(roots[name])) if len(roots.get(name, ())) == 1 else "",
            behind=tuple(sorted(behind.get(name, ()))),
        )
        for name in sorted(names)
    ]


def waiting(old_root: str) -> list[str]:
    """What is in use and trusted only through `old_root`: none of it would be accepted any more once that is retired.

    Certificates of ours and of workloads are issued anew; of those that were signed by request nobody here has the
    key, so they are waited for until they expire or are revoked.
    """
    signed = models.Issued.objects.filter(
        authority__in=_only_through(old_root), not_after__gt=now(), revoked_at=None
    ).values_list("serial", flat=True)
    serials = set(signed)
    rows = models.Certificate.objects.exclude(serial="").values_list("namespace", "name", "serial")
    ours = [f"{namespace}/{name}" for namespace, name, serial in rows if serial in serials]
    workloads = sorted({uri for uri, serial in _identities_in_use() if serial in serials})
    requests = models.Issued.objects.filter(
        holder__startswith="request/", authority__in=_only_through(old_root), not_after__gt=now(), revoked_at=None
    ).values_list("holder", "serial")
    others = [f"{holder.removeprefix('request/')} ({serial[:8]}, signed by request)" for holder, serial in requests]
    return ours + workloads + others


def _only_through(old_root: str) -> list[str]:
    """The authorities below no root that stays: below the old one, or below one that was never trusted by itself."""
    trusted = models.Authority.objects.filter(kind="root", state="active").exclude(pk=old_root)
    staying = set(trusted.values_list("id", flat=True))
    return [each for each, root in roots_above().items() if root not in staying]


def _newest() -> dict[str, str]:
    rows = models.Certificate.objects.exclude(serial="")
    return {f"{ns}/{name}": serial for ns, name, serial in rows.values_list("namespace", "secret_name", "serial")}


def _identities_in_use() -> list[tuple[str, str]]:
    """SPIFFE ID and serial of each certificate that an enabled workload may still show.

    Two machines may have one identity, each with a line of certificates of its own: of each line the last one counts,
    which no other was renewed from.
    """
    domain = settings.GOV.trust_domain
    enabled = models.Workload.objects.filter(enabled=True).values_list("namespace", "name")
    uris = {holder_of("workload", ns, name): workload_uri(domain, ns, name) for ns, name in enabled}
    live = models.Issued.objects.filter(holder__startswith="workload/", not_after__gt=now(), revoked_at=None)
    renewed = set(models.Issued.objects.exclude(renews="").values_list("renews", flat=True))
    return [
        (uris[holder], serial)
        for holder, serial in live.values_list("holder", "serial")
        if holder in uris and serial not in renewed
    ]
