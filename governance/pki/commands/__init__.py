"""What can be asked of the public key infrastructure."""

from governance.pki.commands.authorities import CreateIssuer, NewAuthority, PublishLists, StoreResponder
from governance.pki.commands.certificates import DeleteCertificate, IssueNow, RequestCertificate
from governance.pki.commands.issuing import Failure, RecordFailures, StoreCertificates, claim
from governance.pki.commands.revoking import RevokeCertificate
from governance.pki.commands.rewrapping import RewrapKeys, Rewrapped
from governance.pki.commands.rotation import AbortRotation, AdvanceRotation, PrepareRotation
from governance.pki.commands.signing import SignRequest
from governance.pki.commands.transports import SetTransport
from governance.pki.commands.workloads import CreateJoinToken, EnrolWorkload, SetWorkload, WithdrawJoinToken

__all__ = [
    "AbortRotation",
    "AdvanceRotation",
    "CreateIssuer",
    "CreateJoinToken",
    "DeleteCertificate",
    "EnrolWorkload",
    "Failure",
    "IssueNow",
    "NewAuthority",
    "PrepareRotation",
    "PublishLists",
    "RecordFailures",
    "RequestCertificate",
    "RevokeCertificate",
    "RewrapKeys",
    "Rewrapped",
    "SetTransport",
    "SetWorkload",
    "SignRequest",
    "StoreCertificates",
    "StoreResponder",
    "WithdrawJoinToken",
    "claim",
]
