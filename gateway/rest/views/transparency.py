"""Whether certificates are logged, and what shows it to others."""

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from gateway.rest import forms
from gateway.rest.asked import PAGE, page_size, position, text, token
from gateway.rest.declare import asks, downloads, reads
from gateway.rest.shapes import transparency as shapes
from gateway.rest.view import GovernedView
from governance.kernel.clock import now
from governance.kernel.errors import Invalid
from governance.pki.ct import explaining, proof_file, seen
from governance.pki.ct.explaining import Explained, Timestamp
from governance.pki.ct.logstates import LogState
from governance.pki.ct.seen import Evidence, evidence_seen, key_pem, verify_script
from governance.pki.seen import issued_seen

TEXT, PEM, SCRIPT = "text/plain", "application/x-pem-file", "text/x-python"


def explained(value: Explained) -> dict[str, Any]:
    """How a certificate stands towards the logs."""
    whole = ("serial", "dns_names", "not_before", "not_after", "state", "why", "checked_at", "advice", "pending")
    return {
        **{name: getattr(value, name) for name in whole},
        "timestamps": [_timestamp(each) for each in value.timestamps],
    }


def _timestamp(value: Timestamp) -> dict[str, Any]:
    verdict = value.verdict
    return {
        **{name: getattr(value, name) for name in ("delivery", "log_id", "operator", "included", "index", "pinned")},
        "log_description": verdict.log.description if verdict.log else "",
        "at": verdict.sct.at,
        "verdict": verdict.state,
        "verdict_why": verdict.why,
        "included_why": value.why,
    }


_OF_LOG = (*("description", "operator", "kind", "source", "submission_url", "monitoring_url", "origin", "mmd_s"),)
_KNOWN = (
    *("checkpoint", "size", "checkpoint_at", "believed_at", "read_at", "next_index", "error", "failing_since"),
    *("lie", "lie_message", "lie_at"),
)


def described(value: LogState, at: datetime) -> dict[str, Any]:
    """A log as it stands at `at`."""
    log, known = value.log, value.known
    start, end = log.interval or (None, None)
    return {
        **{name: getattr(log, name) for name in _OF_LOG},
        **{name: getattr(known, name) for name in _KNOWN},
        "log_id": log.log_id.hex(),
        "state": log.state_at(at),
        "interval_start": start,
        "interval_end": end,
        "denied": log.is_denied,
        "key_pem": key_pem(log),
        "status": value.status,
        "why": value.sentence,
        "lag": value.lag,
        "lie_evidence": {name: str(said) for name, said in (known.lie_evidence or {}).items()},
    }


class Logs(GovernedView):
    """The logs that are known."""

    topic = "logs"

    @reads("pki.read", shapes.LogPage, query={"source": "own, pinned or listed logs only", **dict.fromkeys(PAGE, "")})
    def get(self, request: Request) -> Response:
        """List ours, those that certificates are submitted to, and those of the public list, and how each does."""
        size, place, at = page_size(request), position(request, int, str, str, str), now()
        found = seen.logs_in(text(request, "source"))
        rest = [each for each in found if place is None or seen.log_place(each) > tuple(place)]
        page = rest[:size]
        answer = {
            "logs": [described(each, at) for each in page],
            "next_page_token": token(*seen.log_place(page[-1])) if len(rest) > size else "",
        }
        return Response(shapes.LogPage(answer).data)


class OneLog(GovernedView):
    """One log."""

    topic = "log"

    @reads("pki.read", shapes.Log)
    def get(self, request: Request, log_id: str) -> Response:
        """Read what is known of it, and what it was caught at, with the evidence."""
        return Response(shapes.Log(described(seen.log_state(log_id), now())).data)


class LogKey(GovernedView):
    """One log's key, as a file."""

    topic = "log_key"

    @downloads("pki.read", PEM)
    def get(self, request: Request, log_id: str) -> HttpResponse:
        """Download it in PEM."""
        found = seen.log_with(log_id)
        return _file(key_pem(found), PEM, f"{found.log_id.hex()[:16]}.pem")


class CheckCertificate(GovernedView):
    """A certificate, held against the logs."""

    topic = "certificate_check"

    @asks("pki.read", form=forms.TransparencyForm, shape=shapes.Explained)
    def post(self, request: Request) -> Response:
        """Judge each timestamp of it, say whether the entry is in the log, and what Chrome would say."""
        body = self.body(request)
        if bool(body["serial"]) == bool(body["pem"]):
            raise Invalid("give the serial number of an issued certificate, or a chain as pem", field="serial")
        if body["pem"]:
            found = explaining.of_pem(body["pem"], stapled=body["stapled"], tls=body["tls"])
        else:
            found = self._of_issued(body)
        return Response(shapes.Explained(explained(found)).data)

    def _of_issued(self, body: dict[str, Any]) -> Explained:
        for field in ("stapled", "tls"):
            if body[field]:
                raise Invalid("goes with pem alone", field=field)
        issued = issued_seen(self.actor, body["serial"])
        return explaining.of_pem(issued.chain_pem) if body["ask_logs"] else explaining.of_issued(issued.serial)


def _file(content: str, kind: str, name: str) -> HttpResponse:
    return HttpResponse(
        content,
        content_type=f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


class _Evidence(GovernedView):
    def evidence(self, request: Request, serial: str) -> Evidence:
        """The proof for the log that the query names."""
        return evidence_seen(self.actor, serial, text(request, "log_id"))


class EvidenceOf(_Evidence):
    """What shows that an issued certificate is in a log, to those who have neither this installation nor the log."""

    topic = "issued_evidence"

    @reads("pki.read", shapes.Evidence, query=("log_id",))
    def get(self, request: Request, serial: str) -> Response:
        """Read the proof, the certificate with its issuer, and the log's key, all in one answer."""
        found = self.evidence(request, serial)
        answer = {
            **{name: getattr(found, name) for name in ("serial", "proof", "certificate_pem", "log_key_pem")},
            **{name: getattr(found, name) for name in ("log_ids", "proven_at")},
            "log_id": found.log.log_id.hex(),
            "log_description": found.log.description,
        }
        return Response(shapes.Evidence(answer).data)


class ProofFile(_Evidence):
    """The proof of inclusion, as a file."""

    topic = "issued_proof"

    @downloads("pki.read", TEXT, query=("log_id",))
    def get(self, request: Request, serial: str) -> HttpResponse:
        """Download it (c2sp.org/tlog-proof@v1)."""
        found = self.evidence(request, serial)
        return _file(found.proof, TEXT, f"{found.serial}{proof_file.SUFFIX}")


class CertificateFile(_Evidence):
    """The certificate and its issuer, as a file."""

    topic = "issued_certificate"

    @downloads("pki.read", PEM, query=("log_id",))
    def get(self, request: Request, serial: str) -> HttpResponse:
        """Download both in PEM."""
        found = self.evidence(request, serial)
        return _file(found.certificate_pem, PEM, f"{found.serial}.pem")


class VerifyScript(GovernedView):
    """The program of one file that checks these files, needing nothing but Python."""

    topic = "verify_script"

    @downloads("pki.read", SCRIPT)
    def get(self, request: Request) -> HttpResponse:
        """Download it: python3 verify_proof.py certificate.pem proof log-key.pem."""
        return _file(verify_script(), SCRIPT, "verify_proof.py")
