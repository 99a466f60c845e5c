"""Authorities below authorities, beside authorities, and what they are made of."""

from collections.abc import Callable

import pytest

from governance.kernel.errors import Invalid
from governance.pki import chain
from governance.pki.authority import (
    Authority,
    Names,
    cross_sign,
    make_intermediate,
)
from tests.fixtures.leaves import issue
from tests.pki.forge import AT, DAY, HOST
from tests.pki.house import NAMES, a_root, founded, key

HOUSE = founded()


def test_an_intermediate_never_outlives_its_root() -> None:
    root = a_root(life=100 * DAY)
    made = make_intermediate(root, key("middle").public_key(), common_name="Middle", life=365 * DAY, at=AT)
    assert made.not_valid_after_utc == root.not_after


def test_an_intermediate_allows_no_other_below_it_unless_told_so() -> None:
    assert HOUSE.middle.path_length == 0
    assert HOUSE.root.path_length is None
    with pytest.raises(Invalid, match="Governor Issuing 1 allows no such authority"):
        make_intermediate(HOUSE.middle, key("x").public_key(), common_name="Lower", life=DAY, at=AT)


def test_three_levels_hold() -> None:
    upper_cert = make_intermediate(
        HOUSE.root, key("upper").public_key(), common_name="Upper", life=730 * DAY, at=AT, path_length=1
    )
    upper = Authority(certificate=upper_cert, key=key("upper"), chain=(upper_cert,))
    lower_cert = make_intermediate(upper, key("lower").public_key(), common_name="Lower", life=365 * DAY, at=AT)
    lower = Authority(certificate=lower_cert, key=key("lower"), chain=(lower_cert, upper_cert))
    leaf = issue(lower, key("leaf").public_key(), NAMES, life=DAY, at=AT)
    assert chain.verify([leaf, *lower.chain], roots=[HOUSE.root.certificate], at=AT, purpose="server").ok
    with pytest.raises(Invalid, match="it is 0 to 0"):
        make_intermediate(upper, key("x").public_key(), common_name="X", life=DAY, at=AT, path_length=1)


def test_an_intermediate_needs_a_name_of_its_own() -> None:
    with pytest.raises(Invalid, match="name of the authority above"):
        make_intermediate(HOUSE.root, key("x").public_key(), common_name="Governor Root 1", life=DAY, at=AT)


@pytest.mark.parametrize("name", ["", " Root", "Root ", "R\x00ot", "Wurzel ü", "x" * 65])
def test_an_authority_has_a_readable_name(name: str) -> None:
    with pytest.raises(Invalid):
        a_root(name)


def test_who_trusts_the_old_root_or_the_new_one_or_both_takes_what_a_cross_signed_one_issues() -> None:
    old, new = a_root("Old root"), a_root("New root", at=AT + DAY)
    crossed = cross_sign(old, new.certificate, at=AT + DAY)
    middle = make_intermediate(new, key("middle").public_key(), common_name="Middle 2", life=365 * DAY, at=AT + DAY)
    issuing = Authority(certificate=middle, key=key("middle"), chain=(middle, crossed))
    leaf = issue(issuing, key("leaf").public_key(), NAMES, life=DAY, at=AT + DAY)
    for roots in ([old], [new], [old, new], [new, old]):
        trusted = [root.certificate for root in roots]
        assert chain.verify([leaf, *issuing.chain], roots=trusted, at=AT + DAY, purpose="server", name=HOST).ok


def test_a_cross_signed_root_is_the_same_authority() -> None:
    old, new = a_root("Old root"), a_root("New root")
    crossed = cross_sign(old, new.certificate, at=AT)
    twin = Authority(certificate=crossed, key=new.key, chain=(crossed,))
    assert (twin.subject, twin.key_id) == (new.subject, new.key_id)
    assert Authority(certificate=new.certificate, key=new.key, chain=(crossed,)).chain == (crossed,)


@pytest.mark.parametrize(("old_life", "new_life"), [(100, 3650), (3650, 100)])
def test_a_cross_signed_root_lives_as_long_as_the_shorter_lived_of_both(old_life: int, new_life: int) -> None:
    old, new = a_root("Old root", life=old_life * DAY), a_root("New root", life=new_life * DAY)
    assert cross_sign(old, new.certificate, at=AT).not_valid_after_utc == min(old.not_after, new.not_after)


def test_a_cross_signed_root_keeps_to_the_limits_of_who_signs_it() -> None:
    certificate = make_intermediate(
        HOUSE.root, key("upper").public_key(), common_name="Upper", life=730 * DAY, at=AT, path_length=2
    )
    upper = Authority(certificate=certificate, key=key("upper"), chain=(certificate,))
    new = a_root("New root", dns_names=("example.com",))
    crossed = cross_sign(upper, new.certificate, at=AT)
    twin = Authority(certificate=crossed, key=new.key, chain=(crossed, certificate))
    assert twin.path_length == 1
    with pytest.raises(Invalid, match=r"'example\.org' is outside of what CN=New root"):
        issue(twin, key("leaf").public_key(), Names(dns=("example.org",)), life=DAY, at=AT)


def test_only_another_root_is_cross_signed() -> None:
    with pytest.raises(Invalid, match="only roots"):
        cross_sign(a_root("Old root"), HOUSE.middle.certificate, at=AT)
    with pytest.raises(Invalid, match="only roots"):
        cross_sign(a_root("Old root"), HOUSE.leaf(), at=AT)
    with pytest.raises(Invalid, match="very authority"):
        cross_sign(HOUSE.root, HOUSE.root.certificate, at=AT)
    with pytest.raises(Invalid, match="allows no authority below it"):
        cross_sign(HOUSE.middle, a_root("New root").certificate, at=AT)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Authority(certificate=HOUSE.leaf(), key=key("leaf")), "not the certificate of an authority"),
        (lambda: Authority(certificate=HOUSE.root.certificate, key=key("leaf")), "does not belong"),
        (lambda: Authority(certificate=HOUSE.middle.certificate, key=key("middle")), "must begin with"),
        (
            lambda: Authority(
                certificate=HOUSE.middle.certificate,
                key=key("middle"),
                chain=(HOUSE.middle.certificate, HOUSE.root.certificate),
            ),
            "never sent",
        ),
        (
            lambda: Authority(
                certificate=HOUSE.middle.certificate,
                key=key("middle"),
                chain=(HOUSE.middle.certificate, HOUSE.middle.certificate),
            ),
            "certificate 2 did not sign certificate 1",
        ),
    ],
)
def test_an_authority_that_does_not_fit_together_cannot_be_made(make: Callable[[], Authority], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        make()


def test_an_authority_does_not_show_its_key() -> None:
    shown = repr(HOUSE.middle)
    assert "key=" not in shown
    assert "PrivateKey" not in shown


def test_an_authority_tells_what_it_is() -> None:
    middle = HOUSE.middle
    assert middle.subject == "CN=Governor Issuing 1"
    assert int(middle.serial, 16) == middle.certificate.serial_number
    assert middle.not_after == AT + 365 * DAY
    assert len(bytes.fromhex(middle.key_id)) == 20
