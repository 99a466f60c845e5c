"""Whether a chain holds by the roots and the revocation lists of this installation, at this moment."""

from cryptography import x509
from django.conf import settings

from governance.kernel.clock import now
from governance.kernel.errors import Invalid
from governance.pki.chain import Verdict, verify
from governance.pki.matching import is_ip
from governance.pki.names import check_dns_name, check_spiffe
from governance.pki.pem import chain_from_pem
from governance.pki.queries.authorities import revocation_lists, roots_pem

PURPOSES = ("server", "client")


def verdict_of(chain_pem: str, *, purpose: str = "", name: str = "") -> Verdict:
    """Judge a chain in PEM, the leaf first; without `purpose` as a server's, without `name` whoever it is for."""
    purpose = purpose or "server"
    if purpose not in PURPOSES:
        raise Invalid(f"{purpose[:40]!r} is not one of {', '.join(PURPOSES)}", field="purpose")
    name = name if name.startswith("spiffe:") else name.lower()
    if name.startswith("spiffe:"):
        check_spiffe(name, trust_domain="", field="name")
    elif name and not is_ip(name):
        check_dns_name(name, field="name", wildcard=False)
    roots = roots_pem()
    return verify(
        chain_from_pem(chain_pem, field="pem"),
        roots=chain_from_pem(roots, field="roots") if roots else (),
        at=now(),
        purpose=purpose,  # type: ignore[arg-type]  # one of PURPOSES
        name=name,
        crls=[x509.load_der_x509_crl(each) for each in revocation_lists()],
        trust_domain=settings.GOV.trust_domain if name.startswith("spiffe:") else "",
    )
