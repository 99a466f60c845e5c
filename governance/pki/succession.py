"""Makes the root that is to follow an issuer's root; keeping it is a command of its own."""

from django.conf import settings

from governance.kernel.errors import NotFound
from governance.pki.commands.rotation import PrepareRotation
from governance.pki.keys import described
from governance.pki.making import new_pair
from governance.pki.queries.authorities import authority, issuer, root_of, with_key
from governance.pki.signers import certificates_of


def successor_of(issuer_name: str) -> PrepareRotation:
    """The command that keeps a new root, cross-signed by the old one, and a signer below it, with keys of the old kind.

    Raises NotFound for an unknown issuer, Unavailable when the key of its root is not here.
    """
    known = issuer(issuer_name)
    signer = authority(known.signer) if known else None
    if known is None or signer is None:
        raise NotFound(f"there is no issuer {issuer_name}", field="issuer")
    old_root = root_of(signer.id)
    crossed_by = old_root, with_key(old_root)
    algorithm, size = described(certificates_of(signer.pem)[0].public_key())
    pair = new_pair(
        f"Governor {settings.GOV.trust_domain}",
        algorithm=algorithm,
        size=size,
        dns_names=known.dns_names,
        state="standby",
        crossed_by=crossed_by,
    )
    return PrepareRotation(issuer=issuer_name, root=pair.stored_root, signer=pair.stored_signer)
