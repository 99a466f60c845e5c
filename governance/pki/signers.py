"""Authorities with their keys, as this process uses them to sign."""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from cryptography import x509

from governance.kernel.errors import Unavailable
from governance.pki.authority import Authority
from governance.pki.keyring import of_authority, opened_key
from governance.pki.keys import PrivateKey
from governance.pki.pem import chain_from_pem

KEPT = 32
_keys: OrderedDict[tuple[str, bytes], PrivateKey] = OrderedDict()
_turn = Lock()


def authority_from(authority: str, pem: str, sealed_key: bytes | None, *, above: Sequence[str] = ()) -> Authority:
    """The authority `authority` with its key; `above` are the PEMs of what is sent after its own certificate."""
    if sealed_key is None:
        raise Unavailable(f"the key of the authority {authority} is not here")
    certificate = chain_from_pem(pem, field="pem")[0]
    chain = [certificate] if certificate.subject != certificate.issuer else []
    for each in above:
        chain.extend(chain_from_pem(each, field="pem"))
    return Authority(certificate=certificate, key=_key(authority, bytes(sealed_key)), chain=tuple(chain))


def _key(authority: str, sealed_key: bytes) -> PrivateKey:
    """Opened once per process: 50 µs each time would be more than the signature itself."""
    with _turn:
        found = _keys.get((authority, sealed_key))
        if found is None:
            found = _keys[authority, sealed_key] = opened_key(sealed_key, context=of_authority(authority))
            while len(_keys) > KEPT:
                _keys.popitem(last=False)
        return found


def certificates_of(*pems: str) -> tuple[x509.Certificate, ...]:
    """The certificates in several PEM texts."""
    return tuple(each for pem in pems for each in chain_from_pem(pem, field="pem"))
