"""What certificates are wanted."""

from dataclasses import dataclass
from typing import Any, ClassVar

from governance.kernel.clock import now
from governance.kernel.errors import Conflict, NotFound
from governance.kernel.ids import check_label, uuid7
from governance.ledger.command import Change, Command, handles
from governance.pki import models
from governance.pki.commands.authorities import issuer_row
from governance.pki.commands.tenancy import check_free, check_issuer, check_tenancy, claim_names, free_names
from governance.pki.status import DOES_NOT_EXIST, INCORRECT_ISSUER, MANUALLY_TRIGGERED, REQUEST_CHANGED
from governance.pki.values import CertificateSpec, spec_from


@dataclass(frozen=True, slots=True, kw_only=True)
class OfCertificate(Command):
    """A command about one certificate, named by `namespace` and `name`."""

    name: str

    def __post_init__(self) -> None:
        check_label(self.namespace, field="namespace")
        check_label(self.name, field="name")

    @property
    def thing(self) -> str:
        """The certificate."""
        return f"certificate/{self.namespace}/{self.name}"

    def changed_at(self, recorded: int) -> int:
        """Bulk issues change it as well."""
        row = models.Certificate.objects.filter(namespace=self.namespace, name=self.name).first()
        return max(recorded, row.revision) if row else recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCertificate(OfCertificate):
    """Want a certificate, or want it otherwise; the worker issues it within seconds."""

    permission: ClassVar[str] = "pki.write"
    action: ClassVar[str] = "pki.certificate.request"
    spec: CertificateSpec

    def __post_init__(self) -> None:
        super(RequestCertificate, self).__post_init__()
        check_tenancy(self.namespace, self.spec)


@handles(RequestCertificate)
def request_certificate(command: RequestCertificate, revision: int) -> Change:
    """Insert or change what is wanted, and let it be issued when that makes a difference to the certificate."""
    check_issuer(issuer_row(command.spec.issuer), command.namespace, command.spec)
    check_free(command.namespace, command.spec)
    same = models.Certificate.objects.filter(namespace=command.namespace, secret_name=command.spec.secret_name)
    if taken := same.exclude(name=command.name).first():
        raise Conflict(f"{command.spec.secret_name} is the secret of the certificate {taken.name}", field="secret_name")
    row = models.Certificate.objects.filter(namespace=command.namespace, name=command.name).first()
    before = row.as_json() if row else None
    wanted = command.spec.as_json()
    if row is None:
        row = models.Certificate(uid=uuid7(), namespace=command.namespace, name=command.name, generation=0)
        row.reason = DOES_NOT_EXIST
    elif row.spec == wanted:
        return Change(before, before)
    elif anew(spec_from(row.spec), command.spec):
        row.reason = INCORRECT_ISSUER if row.issuer != command.spec.issuer else REQUEST_CHANGED
    row.generation += 1
    row.spec, row.issuer, row.secret_name = wanted, command.spec.issuer, command.spec.secret_name
    if row.reason:  # what failed was asked for otherwise: the pauses after its failures do not count any more
        _try_now(row)
    else:
        row.issued_generation = row.generation
        replan(row)
    row.revision = revision
    row.save()
    claim_names(command.thing, command.namespace, command.spec)
    return Change(before, row.as_json())


# What of a spec makes no difference to the certificate itself.
_ABOUT_KEEPING = ("renew_before_s", "renew_before_pct", "renewal", "revision_history_limit", "windows", "consumers")


def anew(old: CertificateSpec, new: CertificateSpec) -> bool:
    """Whether a certificate as `old` asks for is not one as `new` asks for."""
    first, second = old.as_json(), new.as_json()
    return any(first[key] != second[key] for key in first if key not in (*_ABOUT_KEEPING, "secret_name"))


def replan(row: models.Certificate) -> None:
    """Plan the renewal of what was issued by the spec as it now stands; the caller saves the row."""
    from governance.pki.issue import planned

    issued = models.Issued.objects.filter(pk=row.serial).first()
    if issued is None:
        return
    found = planned(spec_from(row.spec), issued.chain_pem)
    row.plan_warning = found.warning[:300]
    row.renew_at = row.attempt_at = found.at if row.spec["renewal"] == "RenewBefore" else None


def _try_now(row: models.Certificate) -> None:
    row.attempt_at, row.failures, row.failing_since, row.last_error = now(), 0, None, ""
    row.claim, row.claimed_until = "", None


def certificate_row(namespace: str, name: str) -> models.Certificate:
    """The row of a certificate; NotFound when there is none."""
    row = models.Certificate.objects.filter(namespace=namespace, name=name).first()
    if row is None:
        raise NotFound(f"there is no certificate {name} in namespace {namespace}", field="name")
    return row


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueNow(OfCertificate):
    """Issue it anew at once, whenever its renewal is due and however often issuing failed."""

    permission: ClassVar[str] = "pki.write"
    action: ClassVar[str] = "pki.certificate.issue_now"


@handles(IssueNow)
def issue_now(command: IssueNow, revision: int) -> Change:
    """Let the worker try at once."""
    row = certificate_row(command.namespace, command.name)
    before = row.as_json()
    row.reason = row.reason or MANUALLY_TRIGGERED
    _try_now(row)
    row.revision = revision
    row.save()
    return Change(before, row.as_json())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteCertificate(OfCertificate):
    """Keep it no longer; what was issued stays valid until it expires or is revoked."""

    permission: ClassVar[str] = "pki.write"
    action: ClassVar[str] = "pki.certificate.delete"


@handles(DeleteCertificate)
def delete_certificate(command: DeleteCertificate, revision: int) -> Change:
    """Delete what is wanted, the keys of what was issued, and the claim to its names."""
    del revision
    row = certificate_row(command.namespace, command.name)
    before: dict[str, Any] = row.as_json()
    models.Issued.objects.filter(holder=command.thing).update(sealed_key=None)
    models.PendingIssue.objects.filter(uid=row.uid).delete()
    free_names(command.thing)
    row.delete()
    return Change(before, None)
