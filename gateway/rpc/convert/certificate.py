"""Certificates: wanted, issued, verified."""

from dataclasses import fields
from datetime import datetime

from gateway.proto import certificate_pb2 as pb
from gateway.rpc.convert.common import timestamp
from gateway.rpc.convert.transparency import checked, pending
from governance.pki.chain import Step, Verdict
from governance.pki.ct.standing import Checked
from governance.pki.enrolment import ISSUER, Enrolled
from governance.pki.standing import standing_of
from governance.pki.status import Certificate, Condition, IssuedCertificate
from governance.pki.values import (
    DEFAULT_DURATION_S,
    DEFAULT_USAGES,
    KEY_SIZES,
    CertificateSpec,
    KeySpec,
)
from governance.pki.windows import Window

FIELDS = frozenset(field.name for field in fields(CertificateSpec)) | {
    f"private_key.{field.name}" for field in fields(KeySpec)
}
_URGENCIES = {
    "ok": pb.URGENCY_OK,
    "due": pb.URGENCY_DUE,
    "overdue": pb.URGENCY_OVERDUE,
    "critical": pb.URGENCY_CRITICAL,
    "expired": pb.URGENCY_EXPIRED,
}


def spec_of(message: pb.CertificateSpec, name: str) -> CertificateSpec:
    """The spec that a message describes for the certificate `name`; what is not set in it has its default."""
    return CertificateSpec(
        secret_name=message.secret_name or name,
        issuer=message.issuer or ISSUER,
        duration_s=message.duration_s if message.HasField("duration_s") else DEFAULT_DURATION_S,
        renew_before_s=message.renew_before_s if message.HasField("renew_before_s") else None,
        renew_before_pct=message.renew_before_pct if message.HasField("renew_before_pct") else None,
        renewal=message.renewal or "RenewBefore",  # type: ignore[arg-type]  # the value checks itself
        common_name=message.common_name,
        dns_names=tuple(message.dns_names),
        uris=tuple(message.uris),
        ip_addresses=tuple(message.ip_addresses),
        usages=tuple(message.usages) or DEFAULT_USAGES,
        private_key=_key_of(message.private_key),
        revision_history_limit=message.revision_history_limit if message.HasField("revision_history_limit") else 1,
        windows=tuple(
            Window(cron=each.cron, duration_s=each.duration_s, timezone=each.timezone or "UTC")
            for each in message.windows
        ),
        consumers=tuple(message.consumers),
    )


def _key_of(message: pb.KeySpec) -> KeySpec:
    algorithm = message.algorithm or "ECDSA"
    return KeySpec(
        algorithm=algorithm,
        size=message.size or KEY_SIZES.get(algorithm, (0,))[0],
        rotation_policy=message.rotation_policy or "Always",  # type: ignore[arg-type]  # the value checks itself
    )


def spec(value: CertificateSpec) -> pb.CertificateSpec:
    """A spec with everything it says."""
    return pb.CertificateSpec(**value.as_json())


def certificate(value: Certificate, at: datetime, logged: Checked | None) -> pb.Certificate:
    """A managed certificate as it stands at `at`; `logged` is what the logs say of its newest issue."""
    return pb.Certificate(
        namespace=value.namespace,
        name=value.name,
        spec=spec(value.spec),
        generation=value.generation,
        issued_generation=value.issued_generation,
        number=value.number,
        serial=value.serial,
        not_before=timestamp(value.not_before),
        not_after=timestamp(value.not_after),
        renew_at=timestamp(value.renew_at),
        plan_warning=value.plan_warning,
        reason=value.reason,
        attempt_at=timestamp(value.attempt_at),
        failures=value.failures,
        last_failure_at=timestamp(value.last_failure_at),
        last_error=value.last_error,
        revoked_reason=value.revoked_reason,
        revision=value.revision,
        urgency=_URGENCIES[value.urgency(at)],
        ready=_condition(value.ready(at)),
        issuing=_condition(value.issuing(at)),
        state=standing_of(value).state(at),
        transparency=checked(logged),
        pending=pending(value.pending),
    )


def _condition(value: Condition) -> pb.Condition:
    return pb.Condition(holds=value.holds, reason=value.reason, message=value.message)


def issued(value: IssuedCertificate, logged: Checked | None) -> pb.IssuedCertificate:
    """A certificate that was signed here, and what the logs say of it."""
    return pb.IssuedCertificate(
        serial=value.serial,
        authority=value.authority,
        holder=value.holder,
        number=value.number,
        uris=value.uris,
        dns_names=value.dns_names,
        not_before=timestamp(value.not_before),
        not_after=timestamp(value.not_after),
        chain_pem=value.chain_pem,
        issued_at=timestamp(value.issued_at),
        revoked_at=timestamp(value.revoked_at),
        revoked_reason=value.revoked_reason,
        revision=value.revision,
        transparency=checked(logged),
    )


def verdict(value: Verdict) -> pb.VerifyChainResponse:
    """Whether a chain holds."""
    return pb.VerifyChainResponse(
        ok=value.ok,
        reason=value.reason,
        message=value.message,
        openssl=value.openssl,
        steps=[_step(each) for each in value.steps],
    )


def _step(value: Step) -> pb.ChainStep:
    return pb.ChainStep(
        subject=value.subject,
        issuer=value.issuer,
        serial=value.serial,
        not_before=timestamp(value.not_before),
        not_after=timestamp(value.not_after),
        key=value.key,
        usages=value.usages,
        is_ca=value.is_ca,
        revoked=value.revoked,
        problems=value.problems,
    )


def enrolled(value: Enrolled) -> pb.Enrolled:
    """What a workload gets."""
    return pb.Enrolled(chain_pem=value.chain_pem, roots_pem=value.roots_pem, uri=value.uri)


def signing_spec(request: pb.SignCertificateRequestRequest) -> CertificateSpec:
    """What a certificate over somebody's own key is to be like."""
    return CertificateSpec(
        secret_name=request.name,
        issuer=request.issuer or ISSUER,
        duration_s=request.duration_s if request.HasField("duration_s") else DEFAULT_DURATION_S,
        common_name=request.common_name,
        dns_names=tuple(request.dns_names),
        uris=tuple(request.uris),
        ip_addresses=tuple(request.ip_addresses),
        usages=tuple(request.usages) or DEFAULT_USAGES,
        renewal="Disabled",
    )
