"""What can be asked of the public key infrastructure."""

from governance.pki.commands.authorities import CreateIssuer, NewAuthority, PublishLists, StoreResponder
from governance.pki.commands.certificates import DeleteCertificate, IssueNow, RequestCertificate
from governance.pki.commands.findings import AcknowledgeFinding, ForgetFindings, RecordFindings
from governance.pki.commands.gates import SetTransparency
from governance.pki.commands.issuing import Failure, RecordFailures, claim
from governance.pki.commands.proving import Proven, RecordProofs
from governance.pki.commands.releasing import ReleaseIssues, ReplaceIssues, Waiting
from governance.pki.commands.revoking import RevokeCertificate
from governance.pki.commands.rewrapping import RewrapKeys, Rewrapped
from governance.pki.commands.rotation import AbortRotation, AdvanceRotation, PrepareRotation
from governance.pki.commands.signing import SignRequest
from governance.pki.commands.storing import StoreCertificates
from governance.pki.commands.transports import SetTransport
from governance.pki.commands.watching import AddListener, RemoveListener, WatchNames
from governance.pki.commands.workloads import CreateJoinToken, EnrolWorkload, SetWorkload, WithdrawJoinToken

__all__ = [
    "AbortRotation",
    "AcknowledgeFinding",
    "AddListener",
    "AdvanceRotation",
    "CreateIssuer",
    "CreateJoinToken",
    "DeleteCertificate",
    "EnrolWorkload",
    "Failure",
    "ForgetFindings",
    "IssueNow",
    "NewAuthority",
    "PrepareRotation",
    "Proven",
    "PublishLists",
    "RecordFailures",
    "RecordFindings",
    "RecordProofs",
    "ReleaseIssues",
    "RemoveListener",
    "ReplaceIssues",
    "RequestCertificate",
    "RevokeCertificate",
    "RewrapKeys",
    "Rewrapped",
    "SetTransparency",
    "SetTransport",
    "SetWorkload",
    "SignRequest",
    "StoreCertificates",
    "StoreResponder",
    "Waiting",
    "WatchNames",
    "WithdrawJoinToken",
    "claim",
]
