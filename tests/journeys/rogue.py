"""Signs a certificate with an authority's own key behind the product's back: `python -m tests.journeys.rogue <name>`.

It writes chain and key in PEM. Nothing is logged and nothing is stored, as when somebody has stolen the key.
"""

import os
import sys
from datetime import timedelta


def main(dns_name: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    import django

    django.setup()
    from governance.kernel.clock import now
    from governance.pki import keys
    from governance.pki.names import Names
    from governance.pki.pem import to_pem
    from governance.pki.queries.authorities import signer_of
    from tests.fixtures.leaves import issue

    _, signer = signer_of("internal")
    key = keys.make_key("ECDSA", 256)
    leaf = issue(signer, key.public_key(), Names(dns=(dns_name,)), life=timedelta(days=30), at=now())
    sys.stdout.write(to_pem(leaf, *signer.chain) + keys.to_pem(key).decode())


if __name__ == "__main__":
    main(sys.argv[1])
