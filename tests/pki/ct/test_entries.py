"""Precertificate, promise and certificate fit together byte by byte, wherever the promise travels."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from governance.kernel.errors import Invalid
from governance.pki.ct.check import check_sct
from governance.pki.ct.der import OCTET_STRING, SEQUENCE, children, element, wrap
from governance.pki.ct.entry import (
    POISON,
    Entry,
    entry_of_certificate,
    entry_of_embedded,
    entry_of_precertificate,
    is_precertificate,
)
from governance.pki.ct.sct import STAPLED, Sct, embedded, encode_list, from_tls_extension, leaf_index_extension, stapled
from tests.pki.ct.promising import (
    AT,
    DAY,
    NOT_AFTER,
    PRECERT_SIGNING,
    Above,
    Signer,
    Wanted,
    authority,
    signer,
    with_raw_scts,
)

ROOT = authority("root")
ISSUER = authority("issuer", by=ROOT)
OAK, ELM, ROGUE = signer("Oak"), signer("Elm", kind="rfc6962"), signer("Rogue")
LOGS = {one.log.log_id: one.log for one in (OAK, ELM)}


def states(scts: Sequence[Sct], entry: Entry) -> list[str]:
    return [check_sct(each, entry, LOGS, at=AT, not_after=NOT_AFTER).state for each in scts]


def issued(wanted: Wanted, *by: Signer, issuer: Above = ISSUER) -> x509.Certificate:
    """The way of a certificate: precertificate, promises about it, certificate."""
    entry = entry_of_precertificate(wanted.precertificate(issuer), issuer.certificate)
    return wanted.certificate(issuer, [log.promise(entry) for log in by])


def test_the_log_and_the_reader_of_the_certificate_see_the_same_bytes() -> None:
    wanted = Wanted()
    precertificate = wanted.precertificate(ISSUER)
    promised = entry_of_precertificate(precertificate, ISSUER.certificate)
    final = wanted.certificate(ISSUER, [OAK.promise(promised), ELM.promise(promised, index=None)])
    assert is_precertificate(precertificate)
    assert not is_precertificate(final)
    assert entry_of_embedded(final, [ISSUER.certificate, ROOT.certificate]) == promised
    assert promised.body == final.tbs_precertificate_bytes == wanted.certificate(ISSUER).tbs_certificate_bytes
    assert states(embedded(final), promised) == ["valid", "valid"]


def test_a_promise_says_where_the_entry_stands() -> None:
    scts = embedded(issued(Wanted(), OAK))
    assert scts[0].leaf_index == 7
    assert leaf_index_extension(7) == bytes.fromhex("0000050000000007")
    assert leaf_index_extension(2**40 - 1)[3:] == b"\xff" * 5
    with pytest.raises(Invalid, match="does not fit"):
        leaf_index_extension(2**40)


@pytest.mark.parametrize(
    ("extensions", "index"),
    [
        ("", None),
        ("00000400000007", None),  # four bytes are no index
        ("0000050000000007" * 2, None),  # two are none
        ("01000201020000050000000009", 9),  # after an extension that nobody knows
        ("0000050000", None),  # cut short
    ],
)
def test_an_index_is_taken_only_when_it_is_one(extensions: str, index: int | None) -> None:
    assert replace(OAK.promise(Entry("x509", b"", b"")), extensions=bytes.fromhex(extensions)).leaf_index == index


def test_a_static_log_has_to_say_where_the_entry_stands() -> None:
    wanted = Wanted()
    entry = entry_of_precertificate(wanted.precertificate(ISSUER), ISSUER.certificate)
    assert states([OAK.promise(entry, index=None), ELM.promise(entry, index=None)], entry) == ["malformed", "valid"]


def test_the_signing_certificate_of_precertificates_leaves_no_trace() -> None:
    special = authority("signs precertificates", by=ISSUER, usages=[PRECERT_SIGNING])
    wanted = Wanted()
    precertificate = wanted.precertificate(special)
    promised = entry_of_precertificate(precertificate, [special.certificate, ISSUER.certificate, ROOT.certificate])
    final = wanted.certificate(ISSUER, [OAK.promise(promised)])
    assert precertificate.issuer != final.issuer
    assert promised.body == final.tbs_precertificate_bytes
    assert states(embedded(final), entry_of_embedded(final, [ISSUER.certificate])) == ["valid"]
    above_it = entry_of_embedded(final, [special.certificate, ISSUER.certificate])
    assert above_it == promised
    with pytest.raises(Invalid, match="the authority above that is missing"):
        entry_of_precertificate(precertificate, special.certificate)


def test_a_certificate_without_its_key_identifier_gets_that_of_the_authority() -> None:
    """As certificate-transparency-go does, which the logs ran; the promise then holds for no certificate without it."""
    special = authority("signs precertificates", by=ISSUER, usages=[PRECERT_SIGNING])
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bare")])
    begun = x509.CertificateBuilder(
        special.certificate.subject, subject, special.certificate.public_key(), 5, AT, NOT_AFTER
    )
    bare = begun.add_extension(POISON, critical=True).sign(special.key, hashes.SHA256())
    entry = entry_of_precertificate(bare, [special.certificate, ISSUER.certificate])
    begun._issuer_name = ISSUER.certificate.subject
    final = begun.add_extension(ISSUER.key_identifier, critical=False).sign(ISSUER.key, hashes.SHA256())
    assert entry.body == final.tbs_certificate_bytes


def test_nothing_but_a_clean_precertificate_becomes_an_entry() -> None:
    wanted = Wanted()
    final = issued(wanted, OAK)
    begun = wanted._body(ISSUER)
    tame = begun.add_extension(POISON, critical=False).sign(ISSUER.key, hashes.SHA256())
    full = begun.add_extension(x509.UnrecognizedExtension(POISON.oid, b"\x04\x01x"), critical=True).sign(
        ISSUER.key, hashes.SHA256()
    )
    for certificate in (final, tame, full):
        with pytest.raises(Invalid, match="is no precertificate"):
            entry_of_precertificate(certificate, ISSUER.certificate)


def test_a_certificate_is_what_is_asked_for() -> None:
    wanted = Wanted()
    precertificate = wanted.precertificate(ISSUER)
    with pytest.raises(Invalid, match="only a certificate is logged as it is"):
        entry_of_certificate(precertificate)
    with pytest.raises(Invalid, match="is a precertificate"):
        entry_of_embedded(precertificate, [ISSUER.certificate])
    with pytest.raises(Invalid, match="has no SCTs"):
        entry_of_embedded(wanted.certificate(ISSUER), [ISSUER.certificate])
    with pytest.raises(Invalid, match="has no issuer"):
        entry_of_embedded(issued(wanted, OAK), [])
    assert embedded(wanted.certificate(ISSUER)) == ()


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x04\x02\x00\x00",  # an empty list
        b"\x04\x04\x00\x02\x00\x00",  # an empty promise
        b"\x04\x04\x00\x02\x00\x09",  # longer than the list
        b"\x04\x02\x00\x09",  # a list longer than what holds it
        b"\x30\x02\x00\x00",  # no octet string
        b"\x04\x80\x00\x00",  # a length that DER does not have
        b"\x04\x02\x00\x00\x00",  # followed by something
    ],
)
def test_a_list_of_promises_that_is_none_is_refused(value: bytes) -> None:
    with pytest.raises(Invalid):
        embedded(with_raw_scts(Wanted(), ISSUER, value))


def test_promises_that_come_by_tls_are_about_the_certificate_itself() -> None:
    certificate = Wanted().certificate(ISSUER)
    entry = entry_of_certificate(certificate)
    data = encode_list([OAK.promise(entry), ELM.promise(entry, index=None), ROGUE.promise(entry)])
    assert states(from_tls_extension(data), entry) == ["valid", "valid", "unknown_log"]
    for short in range(len(data)):
        with pytest.raises(Invalid):
            from_tls_extension(data[:short])
    with pytest.raises(Invalid):
        from_tls_extension(data + b"\0")


def test_promises_that_come_by_ocsp_are_about_the_certificate_itself() -> None:
    certificate = Wanted().certificate(ISSUER)
    entry = entry_of_certificate(certificate)
    answer = with_single_extension(response(certificate), [OAK.promise(entry), ELM.promise(entry, index=None)])
    assert states(stapled(answer), entry) == ["valid", "valid"]
    assert stapled(response(certificate)) == ()


def response(certificate: x509.Certificate, issuer: Above = ISSUER) -> bytes:
    """An OCSP response that says that the certificate is good."""
    builder = ocsp.OCSPResponseBuilder().add_response(
        certificate, issuer.certificate, hashes.SHA256(), ocsp.OCSPCertStatus.GOOD, AT - DAY, AT + DAY, None, None
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, issuer.certificate)
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def with_single_extension(data: bytes, scts: Sequence[Sct]) -> bytes:
    """The response with SCTs in its answer, which the library cannot put there; its signature is that of before."""
    extension = wrap(SEQUENCE, wrap(0x06, STAPLED) + wrap(OCTET_STRING, wrap(OCTET_STRING, encode_list(scts))))
    added = wrap(0xA1, wrap(SEQUENCE, extension))
    # down to the answer: the response's bytes, their octet string, what was signed, the answers, the first of them
    return _inserted(data, (1, 0, 1, 0, 0, -1, 0), added)


def _inserted(data: bytes, path: tuple[int, ...], added: bytes) -> bytes:
    parts = [data[part.start : part.end] for part in children(data, element(data, 0, len(data)))]
    if path:
        parts[path[0]] = _inserted(parts[path[0]], path[1:], added)
    else:
        parts.append(added)
    return wrap(data[0], b"".join(parts))
