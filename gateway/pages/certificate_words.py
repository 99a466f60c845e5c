"""Words about certificates as a reader sees them, in the reader's language."""

from collections.abc import Mapping
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from governance.pki.standing import State
from governance.pki.status import PENDING, Certificate, Condition

REASON_WORDS: Mapping[str, Promise] = {
    "Ready": _("It is valid and as asked for."),
    "Issued": _("Nothing is to be done before its renewal."),
    "DoesNotExist": _("It has not been issued yet."),
    "IncorrectIssuer": _("Its issuer signs with another authority now."),
    "SecretMismatch": _("The key is not of the kind that is asked for."),
    "RequestChanged": _("What is asked for changed since it was issued."),
    "Renewing": _("Its renewal is due."),
    "ManuallyTriggered": _("Someone asked for it."),
}

CAUSE_WORDS: Mapping[str, Promise] = {
    "unspecified": _("no cause given"),
    "keyCompromise": _("the key is compromised"),
    "cACompromise": _("the authority is compromised"),
    "affiliationChanged": _("its holder belongs elsewhere"),
    "superseded": _("it was replaced"),
    "cessationOfOperation": _("it is needed no longer"),
    "privilegeWithdrawn": _("its holder lost the privilege"),
}

VERDICT_WORDS: Mapping[str, Promise] = {
    "ok": _("The chain holds."),
    "expired": _("A certificate of the chain has expired."),
    "not_yet_valid": _("A certificate of the chain is not valid yet."),
    "revoked": _("A certificate of the chain was revoked."),
    "crl_expired": _("A revocation list has expired."),
    "unknown_issuer": _("The chain leads to no root that is trusted."),
    "bad_signature": _("A signature does not match."),
    "bad_usage": _("A certificate is not for this use."),
    "path_length": _("An authority stands above more authorities than it may."),
    "name_constraint": _("An authority may not sign for this name."),
    "name_mismatch": _("The certificate is not for this name."),
    "bad_shape": _("A certificate is not formed as it has to be."),
}

HOW_WORDS: Mapping[str, Promise] = {
    "xds": _("acknowledged it over xDS"),
    "agent": _("its agent wrote it to disk"),
    "handshake": _("showed it in a handshake"),
}

CERTIFICATE_FIELDS: Mapping[str, Promise] = {
    "secret_name": _("Delivered as"),
    "issuer": _("Issuer"),
    "duration_s": _("Lives for (s)"),
    "renew_before_s": _("Renewed before its end by (s)"),
    "renew_before_pct": _("Renewed before its end by (per cent of its life)"),
    "renewal": _("Renewal"),
    "common_name": _("Common name"),
    "dns_names": _("DNS names"),
    "uris": _("SPIFFE ID"),
    "ip_addresses": _("IP addresses"),
    "usages": _("Usages"),
    "private_key": _("Private key"),
    "revision_history_limit": _("Keys of earlier issues kept"),
    "windows": _("Renewal windows"),
    "consumers": _("Who may fetch it"),
}


def cause_word(cause: str) -> str:
    """Why something was revoked."""
    return str(CAUSE_WORDS.get(cause, cause))


def said(condition: Condition, certificate: Certificate) -> str:
    """The message of a condition; what an issuer answered stays as it was said."""
    if condition.reason == "Failed":
        return f"{failed_word(certificate.failures)} {certificate.last_error}"
    if condition.reason == PENDING and certificate.pending:
        return gettext("It waits for its proof: %(why)s") % {"why": certificate.pending.why}
    if condition.reason == "Revoked":
        return gettext("It was revoked: %(cause)s.") % {"cause": cause_word(certificate.revoked_reason)}
    if condition.reason == "Expired" and certificate.not_after:
        return gettext("It expired at %(at)s UTC.") % {"at": f"{certificate.not_after:%Y-%m-%d %H:%M}"}
    return str(REASON_WORDS.get(condition.reason, condition.message))


def failed_word(failures: int) -> str:
    """How often issuing failed in a row."""
    return ngettext("Failed %(n)s time:", "Failed %(n)s times:", failures) % {"n": failures}


def why(certificate: Certificate, state: State, at: datetime) -> str:
    """What a board says beside the state; empty where the state says it all."""
    if state == "revoked":
        return cause_word(certificate.revoked_reason)
    if state in ("critical", "expired") and certificate.spec.renewal == "Disabled":
        return gettext("its renewal is disabled")
    if state in ("failing", "ok"):
        return ""
    reason = certificate.reason or ("Renewing" if certificate.attempt_at and certificate.attempt_at <= at else "")
    return str(REASON_WORDS.get(reason, reason))
