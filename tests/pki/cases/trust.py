"""Who vouches for a chain."""

from dataclasses import replace

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.pki.cases.case import Case, agreed, below, permitting
from tests.pki.forge import (
    HOST,
    SPIFFE,
    Changes,
    Forged,
    alternative,
    authority,
    forge,
    issuer_identifier,
    key_named,
    key_usage,
    leaf,
    middle,
    named,
    network,
    root,
)


@agreed
def a_faultless_server() -> Case:
    return Case(chain=below())


@agreed
def a_faultless_client_known_by_its_spiffe_id_alone() -> Case:
    return Case(chain=below(dns=(), uris=(SPIFFE,)), purpose="client", name="")


@agreed
def a_server_known_by_its_spiffe_id_alone() -> Case:
    return Case(chain=below(dns=(), uris=(SPIFFE,)), name="")


@agreed
def a_leaf_of_the_root_itself() -> Case:
    return Case(chain=[leaf(root())])


@agreed
def a_chain_sent_with_its_root() -> Case:
    return Case(chain=[*below(), root().certificate])


@agreed
def a_chain_sent_in_the_wrong_order() -> Case:
    lower = authority("Lower", by=(upper := authority("Upper", by=root(), path_length=1)), path_length=0)
    return Case(chain=[leaf(lower), upper.certificate, lower.certificate])


@agreed
def a_wildcard_for_one_label() -> Case:
    return Case(chain=below(dns=("*.example.com",)))


@agreed
def an_ip_address() -> Case:
    return Case(chain=below(dns=(), ips=("10.0.0.7",)), name="10.0.0.7")


@agreed
def an_ipv6_address() -> Case:
    return Case(chain=below(dns=(), ips=("2001:db8::7",)), name="2001:db8::7")


@agreed
def a_chain_of_rsa() -> Case:
    by = authority("RSA", by=authority("RSA root", key_kind="RSA-2048"), key_kind="RSA-2048")
    top = authority("RSA root", key_kind="RSA-2048")
    return Case(chain=below(by, key_kind="RSA-2048"), roots=[top.certificate])


@agreed
def a_chain_of_p384() -> Case:
    return Case(chain=below(authority("Strong", by=root(), key_kind="P-384"), key_kind="P-384"))


@agreed
def a_name_within_what_is_permitted() -> Case:
    permitted = permitting(x509.DNSName("example.com"))
    return Case(chain=below(authority("Bound", by=root(), changes=permitted)))


@agreed
def an_address_within_what_is_permitted() -> Case:
    permitted = permitting(network("10.0.0.0/8"))
    by = authority("Bound", by=root(), changes=permitted)
    return Case(chain=below(by, dns=(), ips=("10.0.0.7",)), name="10.0.0.7")


@agreed
def a_new_root_for_whom_trusts_the_old_one() -> Case:
    new = authority("New root")
    crossed = authority("New root", by=root())
    lower = authority("Newer", by=new, path_length=0)
    return Case(chain=[leaf(lower), lower.certificate, crossed.certificate])


@agreed
def a_new_root_for_whom_trusts_it() -> Case:
    new, crossed = authority("New root"), authority("New root", by=root())
    lower = authority("Newer", by=new, path_length=0)
    return Case(chain=[leaf(lower), lower.certificate, crossed.certificate], roots=[new.certificate])


@agreed
def a_new_root_for_whom_trusts_both() -> Case:
    new, crossed = authority("New root"), authority("New root", by=root())
    lower = authority("Newer", by=new, path_length=0)
    both = [root().certificate, new.certificate]
    return Case(chain=[leaf(lower), lower.certificate, crossed.certificate], roots=both)


@agreed
def a_leaf_without_any_purpose_named() -> Case:
    return Case(chain=below(usages=()))


@agreed
def a_leaf_sent_without_its_intermediate() -> Case:
    return Case(chain=below()[:1], reason="unknown_issuer", openssl="unable to get local issuer certificate")


@agreed
def a_chain_to_another_root() -> Case:
    other = [authority("Other root").certificate]
    return Case(chain=below(), roots=other, reason="unknown_issuer", openssl="unable to get local issuer certificate")


@agreed
def a_root_of_the_same_name_with_another_key() -> Case:
    twin = [authority("Root", key_name="impostor").certificate]
    return Case(chain=below(), roots=twin, reason="unknown_issuer", openssl="unable to get local issuer certificate")


@agreed
def an_untrusted_root_that_is_sent_along() -> Case:
    stranger = authority("Stranger")
    return Case(
        chain=below(stranger),
        reason="unknown_issuer",
        openssl="self-signed certificate in certificate chain",
    )


@agreed
def a_leaf_that_signed_itself() -> Case:
    usual: Changes = {
        x509.SubjectAlternativeName: (alternative([HOST]), False),
        x509.KeyUsage: (key_usage("digital_signature"), True),
    }
    own = forge("Alone", by=None, changes=usual)
    return Case(chain=[own.certificate], reason="unknown_issuer", openssl="self-signed certificate")


@agreed
def an_intermediate_in_place_of_a_root() -> Case:
    return Case(
        chain=below()[:1],
        roots=[middle().certificate],
        reason="unknown_issuer",
        openssl="unable to get issuer certificate",
    )


@agreed
def an_intermediate_that_is_trusted_beside_its_root() -> Case:
    return Case(chain=below()[:1], roots=[middle().certificate, root().certificate])


@agreed
def a_trusted_intermediate_below_one_that_is_sent() -> Case:
    upper = authority("Upper", by=root(), path_length=1)
    lower = authority("Lower", by=upper, path_length=0)
    return Case(
        chain=[leaf(lower), upper.certificate],
        roots=[lower.certificate, root().certificate],
        reason="unknown_issuer",
        openssl="unable to get issuer certificate",
    )


@agreed
def two_copies_of_an_intermediate_of_which_only_the_second_leads_to_the_root() -> Case:
    one, two = authority("Twice", by=authority("Old root")), authority("Twice", by=root())
    return Case(
        chain=[leaf(one), one.certificate, two.certificate],
        reason="unknown_issuer",
        openssl="unable to get local issuer certificate",
    )


@agreed
def a_leaf_altered_after_it_was_signed() -> Case:
    good = leaf(middle(), serial=0x7777777777777777)
    der = good.public_bytes(Encoding.DER).replace(b"\x77" * 8, b"\x78" * 8, 1)
    return Case(
        chain=[x509.load_der_x509_certificate(der), middle().certificate],
        reason="bad_signature",
        openssl="certificate signature failure",
    )


@agreed
def an_intermediate_that_its_issuer_did_not_sign() -> Case:
    impostor = Forged(root().certificate, key_named("impostor"))
    changes: Changes = {x509.AuthorityKeyIdentifier: (issuer_identifier(root()), False)}
    by = authority("Forged", by=impostor, changes=changes)
    return Case(chain=below(by), reason="bad_signature", openssl="certificate signature failure")


def _naming(issuer: str, serial: int) -> Case:
    """A leaf that tells its issuer's certificate by who signed that one, and by its serial number."""
    names: list[x509.GeneralName] = [x509.DirectoryName(named(issuer))]
    identifier = x509.AuthorityKeyIdentifier(issuer_identifier(middle()).key_identifier, names, serial)
    changes: Changes = {x509.AuthorityKeyIdentifier: (identifier, False)}
    return Case(chain=below(changes=changes), reason="unknown_issuer", openssl="unable to get local issuer certificate")


@agreed
def a_leaf_that_names_its_issuer_by_another_serial_number() -> Case:
    """Why ours never do: a renewed issuer would no longer fit."""
    return _naming("Root", middle().certificate.serial_number + 1)


@agreed
def a_leaf_that_names_its_issuer_by_another_who_signed_it() -> Case:
    """Why ours never do: a cross-signed issuer would not fit."""
    return _naming("Old root", middle().certificate.serial_number)


@agreed
def a_leaf_that_names_its_issuer_by_serial_number_and_who_signed_it() -> Case:
    return replace(_naming("Root", middle().certificate.serial_number), reason="ok", openssl="OK")
