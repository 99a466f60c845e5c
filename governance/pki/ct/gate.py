"""The gate before certificates that somebody waits for: they are given out proven, or not at all."""

from governance.kernel.errors import GovernanceError, Unavailable
from governance.pki.ct.standing import GATE
from governance.pki.ct.submitting import Logged, log_and_sign
from governance.pki.leaf import Draft
from governance.pki.queries.logs import mode_of

# A log elsewhere takes a second or so to merge what it was given; whoever joins waits for that, and not for longer.
PATIENCE_S = 5.0


def proven_or_refused(draft: Draft, holder: str, *, issuer: str) -> Logged:
    """The certificate with its proofs, where the issuer's certificates need one; Unavailable when there is none.

    With another mode of the issuer it is given out all the same.
    """
    required = mode_of(issuer) == GATE
    (found,) = log_and_sign([(draft, holder)], required=required, patience_s=PATIENCE_S if required else 0.0)
    if isinstance(found, GovernanceError):
        raise found
    if found.unproven and required:
        raise Unavailable(f"the certificate is not proven to be logged: {found.unproven}; ask again later")
    return found
