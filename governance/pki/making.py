"""Makes authorities: the first ones, and those that replace them. Storing them is a command of its own."""

from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509
from django.conf import settings

from governance.kernel.clock import now
from governance.kernel.ids import uuid7
from governance.pki.authority import Authority, Urls, cross_sign, make_intermediate, make_root, to_pem
from governance.pki.certificates import serial_of
from governance.pki.commands.authorities import NewAuthority
from governance.pki.keyring import of_authority, sealed
from governance.pki.keys import PrivateKey, make_key
from governance.pki.status import AuthorityState

ROOT_LIFE, SIGNER_LIFE = timedelta(days=3650), timedelta(days=1825)


def urls_of(authority_id: str) -> Urls:
    """Where the state of what an authority signs can be asked for; part of each certificate from the first one on."""
    base = settings.GOV.public_pki_url.rstrip("/")
    return Urls(crl=f"{base}/{authority_id}.crl", ocsp=f"{base}/{authority_id}/ocsp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A new root with a signer below it, and the two as they are stored."""

    root: Authority
    signer: Authority
    stored_root: NewAuthority
    stored_signer: NewAuthority


def new_pair(
    name: str,
    *,
    algorithm: str = "ECDSA",
    size: int = 256,
    dns_names: tuple[str, ...] = (),
    state: AuthorityState = "active",
    crossed_by: tuple[str, Authority] | None = None,
) -> Pair:
    """A root and a signer called after `name`, with new keys.

    `crossed_by` is the old root, by id, that certifies the new one for those who trust only the old.
    """
    at, root_id, signer_id = now(), uuid7(), uuid7()
    stamp = f"{at:%Y-%m-%d %H:%M:%S}"
    root_key, signer_key = make_key(algorithm, size), make_key(algorithm, size)
    root_certificate = make_root(root_key, common_name=f"{name} root {stamp}", life=ROOT_LIFE, at=at)
    root = Authority(certificate=root_certificate, key=root_key)
    crossed = cross_sign(crossed_by[1], root_certificate, at=at, urls=urls_of(crossed_by[0])) if crossed_by else None
    signer_certificate = make_intermediate(
        root,
        signer_key.public_key(),
        common_name=f"{name} signer {stamp}",
        life=SIGNER_LIFE,
        at=at,
        urls=urls_of(root_id),
        dns_names=dns_names,
    )
    chain = (signer_certificate, crossed) if crossed else (signer_certificate,)
    return Pair(
        root=root,
        signer=Authority(certificate=signer_certificate, key=signer_key, chain=chain),
        stored_root=stored(
            root_certificate,
            root_key,
            id=root_id,
            kind="root",
            state=state,
            cross_pem=to_pem(crossed) if crossed else "",
        ),
        stored_signer=stored(
            signer_certificate, signer_key, id=signer_id, kind="intermediate", state=state, parent=root_id
        ),
    )


def stored(
    certificate: x509.Certificate,
    key: PrivateKey,
    *,
    id: str,  # noqa: A002
    kind: str,
    state: AuthorityState = "active",
    parent: str = "",
    cross_pem: str = "",
    imported: bool = False,
) -> NewAuthority:
    """An authority as it is stored, its key sealed."""
    names = certificate.subject.get_attributes_for_oid(x509.oid.NameOID.COMMON_NAME)
    return NewAuthority(
        id=id,
        kind=kind,
        parent=parent,
        common_name=str(names[0].value)[:64] if names else certificate.subject.rfc4514_string()[:64],
        serial=serial_of(certificate),
        key_id=x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        pem=to_pem(certificate),
        sealed_key=sealed(key, context=of_authority(id)),
        cross_pem=cross_pem,
        imported=imported,
        state=state,
    )
