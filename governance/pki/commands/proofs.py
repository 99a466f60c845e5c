"""Keeps the proofs that certificates are logged; part of the commands that put certificates in force."""

from collections.abc import Mapping

from governance.kernel.clock import now
from governance.pki import models


def store_proofs(proofs: Mapping[str, Mapping[str, str]], revision: int) -> None:
    """Insert the proofs of certificates, by serial and log id."""
    at = now()
    rows = [
        models.LogProof(serial=serial, proofs=dict(each), proven_at=at, revision=revision)
        for serial, each in proofs.items()
    ]
    models.LogProof.objects.bulk_create(rows, batch_size=200)
