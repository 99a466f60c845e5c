"""What lists of revoked certificates do to a chain."""

from tests.pki.cases.case import Case, agreed, below
from tests.pki.forge import (
    AT,
    DAY,
    authority,
    crl,
    key_named,
    middle,
    root,
)


@agreed
def a_list_that_does_not_name_the_leaf() -> Case:
    return Case(chain=below(), crls=[crl(middle(), 1, 2, 3)])


@agreed
def a_revoked_leaf() -> Case:
    return Case(
        chain=below(serial=0xBAD), crls=[crl(middle(), 1, 0xBAD)], reason="revoked", openssl="certificate revoked"
    )


@agreed
def a_revoked_intermediate() -> Case:
    lists = [crl(middle()), crl(root(), middle().certificate.serial_number)]
    return Case(chain=below(), crls=lists, whole=True, reason="revoked", openssl="certificate revoked")


@agreed
def lists_of_the_whole_chain() -> Case:
    return Case(chain=below(), crls=[crl(middle()), crl(root())], whole=True)


@agreed
def the_same_serial_revoked_by_another_issuer() -> Case:
    return Case(
        chain=below(serial=0xBAD),
        crls=[crl(root(), 0xBAD)],
        reason="crl_missing",
        openssl="unable to get certificate CRL",
    )


@agreed
def a_list_of_an_issuer_of_the_same_name_with_another_key() -> Case:
    rekeyed = authority("Middle", by=root(), key_name="Middle, rekeyed")
    return Case(
        chain=below(serial=0xBAD),
        crls=[crl(rekeyed, 0xBAD)],
        reason="crl_missing",
        openssl="unable to get certificate CRL",
    )


@agreed
def a_list_that_somebody_else_signed() -> Case:
    return Case(
        chain=below(serial=0xBAD),
        crls=[crl(middle(), signed_by=key_named("impostor"))],
        reason="bad_signature",
        openssl="CRL signature failure",
    )


@agreed
def an_expired_list() -> Case:
    return Case(
        chain=below(),
        crls=[crl(middle(), begins=AT - 2 * DAY, ends=AT - DAY)],
        reason="crl_expired",
        openssl="CRL has expired",
    )


@agreed
def a_list_from_tomorrow_on() -> Case:
    return Case(
        chain=below(),
        crls=[crl(middle(), begins=AT + DAY, ends=AT + 2 * DAY)],
        reason="crl_missing",
        openssl="CRL is not yet valid",
    )
