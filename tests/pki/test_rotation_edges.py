"""Root rotations that are not the usual ones: roots that sign themselves, interrupted ones, workloads in pairs."""

from datetime import timedelta

import pytest

from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.kernel.errors import Conflict
from governance.ledger.execute import execute
from governance.pki import observe
from governance.pki.authority import Authority, make_intermediate, make_root, to_pem
from governance.pki.commands import AbortRotation, AdvanceRotation, IssueNow, StoreCertificates
from governance.pki.enrolment import renew
from governance.pki.importing import imported_issuer
from governance.pki.keys import make_key
from governance.pki.keys import to_pem as key_pem
from governance.pki.pem import bundle_id, chain_from_pem
from governance.pki.queries.authorities import authorities, roots_pem, signer_of
from governance.pki.queries.certificates import by_uid
from governance.pki.queries.rotation import open_rotation
from governance.pki.succession import successor_of
from governance.pki.worker import WORKER, issue_due
from tests.fixtures.house import House
from tests.pki.conftest import seen, want
from tests.pki.joining import URI, acting, csr, joined
from tests.pki.making import made_of
from tests.pki.rotating import advancing, opened, rotated, under_way

YEARS = timedelta(days=3650)


def _import(certificates: str, key: bytes) -> None:
    command = imported_issuer("partner", certificates.encode(), key, max_duration_s=30 * 86_400)
    execute(command, by=SYSTEM)


def test_a_root_that_signs_leaves_itself_stays_trusted_until_it_is_retired(pki: House) -> None:
    key = make_key("ECDSA", 256)
    _import(to_pem(make_root(key, common_name="Partner CA", life=YEARS, at=now())), key_pem(key))
    want("one", issuer="partner", duration_s=10 * 86_400)
    issue_due()
    old = seen("one").serial
    execute(successor_of("partner"), by=SYSTEM)
    for step in ("distributing", "activated", "reissuing"):
        execute(AdvanceRotation(issuer="partner", to=step), by=SYSTEM)
        assert "Partner CA" in {each.common_name for each in authorities() if each.pem.strip() in roots_pem()}
    with pytest.raises(Conflict, match="shop/one"):
        execute(AdvanceRotation(issuer="partner", to="retired"), by=SYSTEM)
    issue_due()
    assert seen("one").serial != old
    execute(AdvanceRotation(issuer="partner", to="retired"), by=SYSTEM)
    assert "Partner CA" not in {each.common_name for each in authorities() if each.pem.strip() in roots_pem()}


def test_with_an_authority_between_root_and_signer_the_root_is_what_is_replaced(pki: House) -> None:
    at, root_key, middle_key, key = now(), *(make_key("ECDSA", 256) for _ in range(3))
    root = Authority(certificate=make_root(root_key, common_name="Top", life=YEARS, at=at), key=root_key)
    made = make_intermediate(root, middle_key.public_key(), common_name="Middle", life=YEARS / 2, at=at, path_length=1)
    middle = Authority(certificate=made, key=middle_key, chain=(made,))
    signer = make_intermediate(middle, key.public_key(), common_name="Bottom", life=YEARS / 4, at=at)
    _import(to_pem(signer, made, root.certificate), key_pem(key))
    with pytest.raises(Exception, match="the key of the authority Top is not here"):
        successor_of("partner")


def _seen(process: str, *, roots: str) -> None:
    held = observe.Seen(consumer=URI, process=process, secret="", serial="", roots=roots, how="xds")
    observe.holdings([held], at=now())


def test_of_two_machines_with_one_identity_both_are_waited_for(pki: House) -> None:
    first, second = joined(), joined()
    execute(successor_of("internal"), by=SYSTEM)
    execute(advancing("distributing"), by=SYSTEM)
    for process in ("one", "two"):
        _seen(process, roots=bundle_id(roots_pem()))
    for step in ("activated", "reissuing"):
        execute(advancing(step), by=SYSTEM)
    issue_due()
    for enrolled in (first, second):
        assert under_way().gate.missing == (URI,)
        serial = f"{chain_from_pem(enrolled.chain_pem, field='chain')[0].serial_number:x}"
        renew(serial, URI, csr(), by=acting(serial=serial))
    assert under_way().gate.open


def test_what_an_aborted_rotation_signed_is_waited_for_by_the_next_one(pki: House) -> None:
    opened()
    rotated("activated", by=SYSTEM)
    execute(IssueNow(namespace="shop", name="web"), by=SYSTEM)
    issue_due()  # by the signer that is given up now
    serial = seen().serial
    execute(AbortRotation(issuer="internal"), by=SYSTEM)
    execute(successor_of("internal"), by=SYSTEM)
    for step in ("distributing", "activated", "reissuing"):
        _seen("checkout-1", roots=bundle_id(roots_pem()))
        if step == "activated":
            observe.gone(["checkout-1"], at=now())
            _seen("checkout-2", roots=bundle_id(roots_pem()))
        execute(advancing(step), by=SYSTEM)
    assert seen().serial == serial
    assert "shop/web" in under_way().gate.missing


def test_an_issue_that_was_under_way_with_the_old_signer_is_not_put_in_force(pki: House) -> None:
    want()
    issue_due()
    execute(IssueNow(namespace="shop", name="web"), by=SYSTEM)
    made = made_of(by_uid([seen().uid])[0])
    execute(successor_of("internal"), by=SYSTEM)
    for step in ("distributing", "activated", "reissuing"):
        execute(advancing(step), by=SYSTEM)
    execute(StoreCertificates(namespace="shop", items=(made,)), by=WORKER)
    assert seen().serial != made.serial
    issue_due()
    rotation = open_rotation("internal")
    assert rotation is not None
    assert rotation.gate.open, rotation.gate.message


def test_the_cross_signed_root_travels_only_until_the_old_one_is_retired(pki: House) -> None:
    opened()
    rotated("reissuing", by=SYSTEM)
    assert len(signer_of("internal")[1].chain) == 2
    execute(advancing("retired"), by=SYSTEM)
    assert len(signer_of("internal")[1].chain) == 1


def test_after_an_abort_all_revocation_lists_are_still_signed(pki: House) -> None:
    opened()
    rotated("reissuing", by=SYSTEM)
    execute(AbortRotation(issuer="internal"), by=SYSTEM)
    assert {each.state for each in authorities()} == {"active", "standby"}
