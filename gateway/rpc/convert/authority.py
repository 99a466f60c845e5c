"""Authorities, issuers, and the replacement of roots."""

from gateway.proto import certificate_pb2 as pb
from gateway.rpc.convert.common import timestamp
from governance.pki.making import urls_of
from governance.pki.seen import SeenAuthority
from governance.pki.status import IssuerView, RotationView


def authority(value: SeenAuthority) -> pb.Authority:
    """An authority, with how much it signed where that may be told."""
    one, urls = value.authority, urls_of(value.authority.id)
    return pb.Authority(
        id=one.id,
        issuer=one.issuer,
        kind=one.kind,
        parent=one.parent,
        state=one.state,
        common_name=one.common_name,
        serial=one.serial,
        key_id=one.key_id,
        not_before=timestamp(one.not_before),
        not_after=timestamp(one.not_after),
        pem=one.pem,
        cross_pem=one.cross_pem,
        imported=one.imported,
        has_key=one.has_key,
        crl_number=one.crl_number,
        crl_next_at=timestamp(one.crl_next_at),
        crl_url=urls.crl if one.has_key else "",
        ocsp_url=urls.ocsp if one.has_key else "",
        revision=one.revision,
        issued=value.issued,
        live=value.live,
    )


def issuer(value: IssuerView) -> pb.Issuer:
    """What certificates refer to by name."""
    return pb.Issuer(
        name=value.name,
        signer=value.signer,
        namespaces=value.namespaces,
        dns_names=value.dns_names,
        max_duration_s=value.max_duration_s,
        revision=value.revision,
    )


def rotation(value: RotationView) -> pb.Rotation:
    """A replacement of a root."""
    return pb.Rotation(
        id=value.id,
        phase=value.phase,
        issuer=value.issuer,
        old_root=value.old_root,
        new_root=value.new_root,
        old_signer=value.old_signer,
        new_signer=value.new_signer,
        began_at=timestamp(value.began_at),
        phase_at=timestamp(value.phase_at),
        ended_at=timestamp(value.ended_at),
        revision=value.revision,
        gate=pb.RotationGate(
            step=value.gate.step, open=value.gate.open, message=value.gate.message, missing=value.gate.missing
        ),
    )
