"""Who asks about a single certificate gets a signed answer that is true at that moment."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.ocsp import OCSPCertStatus, OCSPResponse, OCSPResponseStatus

from governance.kernel.actor import SYSTEM, Actor
from governance.kernel.clock import now
from governance.kernel.errors import Forbidden, NotFound
from governance.ledger import queries as ledger
from governance.ledger.execute import execute
from governance.pki.commands import RevokeCertificate, StoreResponder
from governance.pki.models import Issued
from governance.pki.queries.authorities import authorities
from governance.pki.queries.certificates import issued_of
from governance.pki.responder import RESPONDER_LIFE, answer, responders_due, store_responder
from governance.pki.tasks import keep_responders
from governance.pki.worker import issue_due
from tests.fixtures.house import House
from tests.fixtures.people import ChangesOnce
from tests.pki.conftest import DAY, chain_of, clock_at, head, nothing_secret_is_recorded, seen, want
from tests.pki.openssl import run, written


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
