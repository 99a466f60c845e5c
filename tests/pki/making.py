"""The next issue of a certificate, as the worker makes it, and not stored."""

from governance.pki.issue import Made
from governance.pki.status import Certificate
from governance.pki.worker import made_all


def made_of(certificate: Certificate) -> Made:
    (found,) = made_all([certificate], {})
    assert isinstance(found, Made), found.message
    return found
