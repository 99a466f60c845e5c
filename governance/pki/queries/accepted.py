"""The roots up to which our log takes chains."""

from cryptography import x509

from governance.pki import models


def accepted_roots() -> tuple[x509.Certificate, ...]:
    """The roots that are trusted here, also while one takes over from another."""
    rows = models.Authority.objects.filter(kind="root", state__in=("active", "standby")).order_by("id")
    return tuple(x509.load_pem_x509_certificate(pem.encode()) for pem in rows.values_list("pem", flat=True))
