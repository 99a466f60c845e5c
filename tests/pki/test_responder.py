"""Who asks about a single certificate gets a signed answer that is true at that moment."""

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.ocsp import OCSPCertStatus, OCSPResponse, OCSPResponseStatus

from governance.kernel.actor import SYSTEM, Actor
from governance.kernel.clock import now
from governance.kernel.errors import Forbidden, NotFound, Unavailable
from governance.ledger import queries as ledger
from governance.ledger.execute import execute
from governance.pki.certificates import key_identifier
from governance.pki.commands import RevokeCertificate, StoreResponder
from governance.pki.models import Issued
from governance.pki.pem import chain_from_pem
from governance.pki.queries.authorities import authorities, authority
from governance.pki.queries.certificates import issued_of
from governance.pki.queries.rotation import rotations
from governance.pki.responder import RESPONDER_LIFE, answer, responders_due, store_responder
from governance.pki.setup import ensure_pki
from governance.pki.status import CertificateAuthority
from governance.pki.tasks import keep_responders
from governance.pki.worker import issue_due
from tests.fixtures.house import House
from tests.fixtures.people import ChangesOnce
from tests.pki.conftest import DAY, chain_of, clock_at, head, nothing_secret_is_recorded, seen, want
from tests.pki.openssl import run, written
from tests.pki.rotating import opened, rotated
from tests.pki.spoiling import altered, imported, retire, spoil_authority


def _signer() -> str:
    return next(each.id for each in authorities() if each.kind == "intermediate")


def _request(chain: list[x509.Certificate]) -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate(chain[0], chain[1], hashes.SHA256())
    return builder.build().public_bytes(Encoding.DER)


def _asked(chain: list[x509.Certificate]) -> OCSPResponse:
    return ocsp.load_der_ocsp_response(answer(_signer(), _request(chain)))


@pytest.fixture
def web(pki: House) -> House:
    """A house with the certificate shop/web in force."""
    want()
    assert issue_due() == 1
    return pki


def test_a_certificate_is_good_until_it_is_revoked(web: House, bob: Actor) -> None:
    chain = chain_of()
    assert _asked(chain).certificate_status == OCSPCertStatus.GOOD
    execute(RevokeCertificate(namespace="shop", serial=seen().serial, cause="keyCompromise"), by=bob)
    told = _asked(chain)
    assert told.certificate_status == OCSPCertStatus.REVOKED
    assert told.revocation_reason == x509.ReasonFlags.key_compromise


def test_openssl_believes_the_answer(web: House) -> None:
    chain, root = chain_of(), next(each for each in authorities() if each.kind == "root")
    pem = {"leaf": chain[0], "signer": chain[1]}
    paths = {name: written(web.data_dir / name, each.public_bytes(Encoding.PEM)) for name, each in pem.items()}
    told = written(web.data_dir / "told", answer(_signer(), _request(chain)))
    said = run(
        *("ocsp", "-issuer", paths["signer"], "-sha256", "-cert", paths["leaf"], "-respin", told, "-no_nonce"),
        *("-CAfile", written(web.data_dir / "root", root.pem), "-verify_other", paths["signer"]),
    )
    assert "Response verify OK" in said.text, said.text
    assert f"{paths['leaf']}: good" in said.text


def test_what_was_never_issued_here_is_unknown(web: House) -> None:
    chain = chain_of()
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        chain[1].extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest,
        chain[1].extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest,
        4711,
        hashes.SHA1(),
    )
    told = ocsp.load_der_ocsp_response(answer(_signer(), builder.build().public_bytes(Encoding.DER)))
    assert told.response_status != OCSPResponseStatus.SUCCESSFUL or (told.certificate_status == OCSPCertStatus.UNKNOWN)
    Issued.objects.filter(pk=seen().serial).delete()
    assert _asked(chain).certificate_status == OCSPCertStatus.UNKNOWN


def test_garbage_is_answered_as_such(web: House) -> None:
    told = ocsp.load_der_ocsp_response(answer(_signer(), b"garbage"))
    assert told.response_status == OCSPResponseStatus.MALFORMED_REQUEST


def test_an_authority_that_is_not_here_answers_nothing(pki: House) -> None:
    with pytest.raises(NotFound):
        answer("nobody", b"")


def test_a_responder_is_one_fact_without_its_key(pki: House) -> None:
    signer = _signer()
    before = head()
    store_responder(signer)
    fact = ledger.get(before + 1)
    assert fact is not None
    assert (fact.action, fact.thing, fact.door) == ("pki.responder.store", f"responder/{signer}", "task")
    assert fact.after is not None
    assert fact.after["holder"] == f"responder/{signer}"
    assert nothing_secret_is_recorded()


def test_responders_are_replaced_before_they_run_out(pki: House) -> None:
    signer = _signer()
    assert responders_due() == []
    first = issued_of(f"responder/{signer}")[0]
    with clock_at(first.not_after - RESPONDER_LIFE / 3 + DAY / 24):
        assert signer in responders_due()
        keep_responders()
        assert responders_due() == []
        newest = issued_of(f"responder/{signer}")[0]
        assert newest.serial != first.serial
        assert newest.not_after - now() > RESPONDER_LIFE / 2


def test_an_authority_that_cannot_sign_keeps_no_other_from_its_responder(
    pki: House, caplog: pytest.LogCaptureFixture
) -> None:
    signer, spoilt = _signer(), imported()
    spoil_authority(spoilt)
    with clock_at(now() + RESPONDER_LIFE):
        keep_responders()
        assert responders_due() == [spoilt]
        assert len(issued_of(f"responder/{signer}")) == 2
        assert spoilt in next(each.getMessage() for each in caplog.records if each.levelname == "ERROR")
        ensure_pki()


def test_a_responder_whose_key_does_not_open_is_replaced(web: House) -> None:
    row = Issued.objects.get(holder=f"responder/{_signer()}")
    assert row.sealed_key is not None
    Issued.objects.filter(pk=row.pk).update(sealed_key=altered(bytes(row.sealed_key)))
    with pytest.raises(Unavailable, match="does not open"):
        _asked(chain_of())
    keep_responders()
    assert _asked(chain_of()).certificate_status == OCSPCertStatus.GOOD


def _asked_of(authority: CertificateAuthority, certificate: x509.Certificate) -> OCSPCertStatus:
    """What an authority says of a certificate that it signed."""
    request = _request([certificate, *chain_from_pem(authority.pem, field="pem")])
    return ocsp.load_der_ocsp_response(answer(authority.id, request)).certificate_status


def test_an_authoritys_own_certificate_is_good_below_its_root(pki: House) -> None:
    root, signer = sorted(authorities(), key=lambda each: each.parent)
    (certificate,) = chain_from_pem(signer.pem, field="pem")
    assert _asked_of(root, certificate) == OCSPCertStatus.GOOD
    name = hashlib.sha1(certificate.subject.public_bytes(), usedforsecurity=False).digest()
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        name, key_identifier(certificate), certificate.serial_number, hashes.SHA1()
    )
    told = answer(signer.id, builder.build().public_bytes(Encoding.DER))
    said = ocsp.load_der_ocsp_response(told).certificate_status
    assert said == OCSPCertStatus.UNKNOWN, "the signer itself did not sign it"


def test_openssl_believes_what_a_root_says_of_its_signer(pki: House) -> None:
    root, signer = sorted(authorities(), key=lambda each: each.parent)
    paths = {each.id: written(pki.data_dir / each.id, each.pem) for each in (root, signer)}
    certificates = [*chain_from_pem(signer.pem, field="pem"), *chain_from_pem(root.pem, field="pem")]
    told = written(pki.data_dir / "told", answer(root.id, _request(certificates)))
    said = run(
        *("ocsp", "-issuer", paths[root.id], "-sha256", "-cert", paths[signer.id], "-respin", told, "-no_nonce"),
        *("-CAfile", paths[root.id]),
    )
    assert "Response verify OK" in said.text, said.text
    assert f"{paths[signer.id]}: good" in said.text


def test_a_new_root_is_good_below_the_old_one_and_retired_authorities_stay_so(pki: House, bob: Actor) -> None:
    opened()
    rotated("activated", by=bob)
    there = rotations()[0]
    old, new = authority(there.old_root), authority(there.new_root)
    old_signer = authority(there.old_signer)
    assert old is not None
    assert new is not None
    assert old_signer is not None
    (crossed,) = chain_from_pem(new.cross_pem, field="cross_pem")
    assert _asked_of(old, crossed) == OCSPCertStatus.GOOD
    retire(old_signer.id)
    assert _asked_of(old, *chain_from_pem(old_signer.pem, field="pem")) == OCSPCertStatus.GOOD


def _storing(authority: str) -> StoreResponder:
    at = now()
    return StoreResponder(
        authority=authority, serial="7f3a", chain_pem="", not_before=at, not_after=at + DAY, sealed_key=b"sealed"
    )


def test_only_the_system_stores_responders(pki: House, changes_once: ChangesOnce, alice: Actor, bob: Actor) -> None:
    before = head()
    for actor in (alice, bob):
        with pytest.raises(Forbidden):
            execute(_storing(_signer()), by=actor)
    with pytest.raises(NotFound) as refusal:
        execute(_storing("nobody"), by=SYSTEM)
    assert refusal.value.field == "authority"
    assert execute(_storing(_signer()), by=SYSTEM, validate_only=True).changed
    assert head() == before
    changes_once(_storing(_signer()), by=SYSTEM)
