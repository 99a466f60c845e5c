"""What certificates say of themselves: time, purpose and shape."""

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from tests.pki.cases.case import Case, agreed, below, instead
from tests.pki.forge import (
    AT,
    CLIENT,
    DAY,
    HOST,
    SERVER,
    Forged,
    alternative,
    authority,
    key_named,
    key_usage,
    leaf,
    middle,
    root,
)


@agreed
def a_leaf_in_its_first_second() -> Case:
    return Case(chain=below(life=(AT, AT + DAY)))


@agreed
def a_leaf_a_second_before_its_end() -> Case:
    return Case(chain=below(life=(AT - DAY, AT + DAY / 86400)))


@agreed
def a_leaf_in_the_second_of_its_end() -> Case:
    return Case(chain=below(life=(AT - DAY, AT)), reason="expired", openssl="certificate has expired")


@agreed
def an_expired_leaf() -> Case:
    return Case(chain=below(), at=AT + 31 * DAY, reason="expired", openssl="certificate has expired")


@agreed
def a_leaf_from_tomorrow_on() -> Case:
    return Case(
        chain=below(life=(AT + DAY, AT + 2 * DAY)), reason="not_yet_valid", openssl="certificate is not yet valid"
    )


@agreed
def an_expired_intermediate() -> Case:
    by = authority("Old", by=root(), life=(AT - 9 * DAY, AT - DAY))
    return Case(chain=below(by), reason="expired", openssl="certificate has expired")


@agreed
def an_expired_root() -> Case:
    top = authority("Past", life=(AT - 9 * DAY, AT - DAY))
    return Case(
        chain=below(authority("Of the past", by=top)),
        roots=[top.certificate],
        reason="expired",
        openssl="certificate has expired",
    )


@agreed
def an_expired_intermediate_sent_beside_its_renewed_self() -> Case:
    old = authority("Renewed", by=root(), life=(AT - 9 * DAY, AT - DAY))
    return Case(chain=[leaf(old), old.certificate, authority("Renewed", by=root()).certificate])


@agreed
def a_client_posing_as_a_server() -> Case:
    return Case(chain=below(usages=[CLIENT]), reason="bad_usage", openssl="unsuitable certificate purpose")


@agreed
def a_server_posing_as_a_client() -> Case:
    return Case(
        chain=below(usages=[SERVER]),
        purpose="client",
        name="",
        reason="bad_usage",
        openssl="unsuitable certificate purpose",
    )


@agreed
def a_client_that_is_only_that() -> Case:
    return Case(chain=below(usages=[CLIENT]), purpose="client", name="")


@agreed
def a_signer_of_code() -> Case:
    return Case(
        chain=below(usages=[ExtendedKeyUsageOID.CODE_SIGNING]),
        reason="bad_usage",
        openssl="unsuitable certificate purpose",
    )


@agreed
def a_leaf_for_any_purpose() -> Case:
    return Case(
        chain=below(usages=[ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]),
        reason="bad_usage",
        openssl="unsuitable certificate purpose",
    )


@agreed
def a_key_that_may_not_sign_handshakes() -> Case:
    return Case(
        chain=below(changes=instead(key_usage("content_commitment"))),
        reason="bad_usage",
        openssl="unsuitable certificate purpose",
    )


@agreed
def an_authority_restricted_to_clients() -> Case:
    only = instead(x509.ExtendedKeyUsage([CLIENT]), critical=False)
    by = authority("Clients only", by=root(), changes=only)
    return Case(chain=below(by), reason="bad_usage", openssl="unsuitable certificate purpose")


@agreed
def an_authority_as_a_server() -> Case:
    by = authority("Serving", by=root(), changes=instead(alternative([HOST]), critical=False))
    return Case(chain=[by.certificate], reason="bad_usage", openssl="unsuitable certificate purpose")


@agreed
def a_leaf_that_signs_another() -> Case:
    false = Forged(leaf(middle(), name="Leaf"), key_named("leaf"))
    return Case(
        chain=[leaf(false), false.certificate, middle().certificate],
        reason="bad_shape",
        openssl="invalid CA certificate",
    )


@agreed
def an_authority_that_may_not_sign_certificates() -> Case:
    by = authority("Lists only", by=root(), changes=instead(key_usage("crl_sign")))
    return Case(chain=below(by), reason="bad_shape", openssl="invalid CA certificate")


@agreed
def an_authority_without_basic_constraints() -> Case:
    by = authority("Shapeless", by=root(), changes={x509.BasicConstraints: None})
    return Case(chain=below(by), reason="bad_shape", openssl="invalid CA certificate")


@agreed
def an_authority_with_basic_constraints_that_are_not_critical() -> Case:
    loose = instead(x509.BasicConstraints(ca=True, path_length=None), critical=False)
    by = authority("Loose", by=root(), changes=loose)
    return Case(chain=below(by), reason="bad_shape", openssl="Basic Constraints of CA cert not marked critical")


@agreed
def an_authority_without_key_usage() -> Case:
    by = authority("Unsaid", by=root(), changes={x509.KeyUsage: None})
    return Case(chain=below(by), reason="bad_shape", openssl="CA cert does not include key usage extension")


@agreed
def an_authority_without_subject_key_identifier() -> Case:
    by = authority("Faceless", by=root(), changes={x509.SubjectKeyIdentifier: None})
    return Case(chain=below(by), reason="bad_shape", openssl="Missing Subject Key Identifier")


@agreed
def a_leaf_without_authority_key_identifier() -> Case:
    return Case(
        chain=below(changes={x509.AuthorityKeyIdentifier: None}),
        reason="bad_shape",
        openssl="Missing Authority Key Identifier",
    )


@agreed
def a_leaf_that_may_sign_certificates() -> Case:
    return Case(
        chain=below(changes=instead(key_usage("digital_signature", "key_cert_sign"))),
        reason="bad_shape",
        openssl="invalid for non-CA cert",
    )


@agreed
def a_leaf_with_no_subject_and_names_that_are_not_critical() -> Case:
    return Case(
        chain=below(changes=instead(alternative([HOST]), critical=False)),
        reason="bad_shape",
        openssl="Subject Alt Name extension not critical",
    )


@agreed
def an_unknown_critical_extension() -> Case:
    unknown = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    return Case(chain=below(changes=instead(unknown)), reason="bad_shape", openssl="unhandled critical extension")


@agreed
def a_precertificate() -> Case:
    return Case(
        chain=below(changes=instead(x509.PrecertPoison())), reason="bad_shape", openssl="unhandled critical extension"
    )


@agreed
def a_leaf_with_a_short_rsa_key() -> Case:
    return Case(chain=below(key_kind="RSA-1024"), reason="bad_shape", openssl="EE certificate key too weak")


@agreed
def an_authority_with_a_short_rsa_key() -> Case:
    by = authority("Weak", by=root(), key_kind="RSA-1024")
    return Case(chain=below(by), reason="bad_shape", openssl="CA certificate key too weak")


@agreed
def more_authorities_than_allowed() -> Case:
    lower = authority("Lower", by=middle(), path_length=0)
    return Case(
        chain=[leaf(lower), lower.certificate, middle().certificate],
        reason="path_length",
        openssl="path length constraint exceeded",
    )


@agreed
def a_leaf_of_an_authority_without_a_name() -> Case:
    return Case(chain=below(authority("", by=root())), reason="bad_shape", openssl="Issuer name empty")
