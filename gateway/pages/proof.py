"""What shows to anybody that a certificate is logged, as files to take along."""

import io
import zipfile
from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from gateway.pages.door import needs
from governance.kernel.actor import Actor
from governance.kernel.errors import Invalid, NotFound
from governance.pki.ct.proof_file import SUFFIX
from governance.pki.ct.seen import Evidence, evidence_seen, verify_script

CERTIFICATE, PROOF, KEY, PROGRAM = "certificate.pem", f"proof{SUFFIX}", "log-key.pem", "verify_proof.py"
COMMAND = f"python3 {PROGRAM} {CERTIFICATE} {PROOF} {KEY}"
FILES = (CERTIFICATE, PROOF, KEY, PROGRAM)
_KINDS = {CERTIFICATE: "application/x-pem-file", KEY: "application/x-pem-file"}
# A file in a ZIP archive has a date, and this is the first that there is: the same proof makes the same archive.
_EPOCH = (1980, 1, 1, 0, 0, 0)


@needs("pki.read")
def proof(request: HttpRequest, actor: Actor, serial: str, log_id: str, name: str) -> HttpResponse:
    """One of the files, or all of them as `<serial>.zip`."""
    try:
        evidence = evidence_seen(actor, serial, log_id)
    except Invalid as refusal:
        raise NotFound(refusal.message) from None
    files = _files(evidence)
    if name == archive_name(evidence.serial):
        return attached(name, _packed(files), "application/zip")
    if name not in files:
        raise NotFound(_("There is no file %(name)s of this proof.") % {"name": name})
    return attached(name, files[name].encode(), _KINDS.get(name, "text/plain; charset=utf-8"))


def archive_name(serial: str) -> str:
    """The name of the archive with all files of a proof."""
    return f"{serial}.zip"


def _files(evidence: Evidence) -> Mapping[str, str]:
    return {
        CERTIFICATE: evidence.certificate_pem,
        PROOF: evidence.proof,
        KEY: evidence.log_key_pem,
        PROGRAM: verify_script(),
    }


def _packed(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), text, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def attached(name: str, content: bytes, kind: str) -> HttpResponse:
    """A file to be kept, and not shown."""
    return HttpResponse(content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
