"""A revocation is the last word: nothing that was under way, and nothing over the same key, comes after it."""

import pytest

from governance.kernel.actor import SYSTEM
from governance.ledger.execute import execute
from governance.pki.commands import IssueNow, RevokeCertificate, StoreCertificates
from governance.pki.enrolment import renew
from governance.pki.pem import chain_from_pem
from governance.pki.queries.certificates import by_uid, history, issued, issued_of
from governance.pki.values import KeySpec
from governance.pki.worker import WORKER, issue_due
from tests.fixtures.house import House
from tests.pki.conftest import leaf_of, seen, want
from tests.pki.joining import URI, acting, csr, joined
from tests.pki.making import made_of

NEVER = KeySpec(rotation_policy="Never")


def revoking(serial: str, *, cause: str = "keyCompromise", replace: bool = True) -> RevokeCertificate:
    return RevokeCertificate(namespace="shop", serial=serial, cause=cause, replace=replace)


@pytest.mark.parametrize("replace", [True, False])
def test_an_issue_over_the_revoked_key_that_was_under_way_is_not_put_in_force(pki: House, replace: bool) -> None:
    want(private_key=NEVER)
    issue_due()
    old = leaf_of().public_key()
    execute(IssueNow(namespace="shop", name="web"), by=SYSTEM)
    certificate = by_uid([seen().uid])[0]
    made = made_of(certificate)
    execute(revoking(seen().serial, replace=replace), by=SYSTEM)
    issue_due()
    execute(StoreCertificates(namespace="shop", items=(made,)), by=WORKER)
    assert seen().serial != made.serial
    assert leaf_of().public_key() != old or not replace


def test_a_compromised_key_takes_back_every_issue_that_has_it(pki: House) -> None:
    want(private_key=NEVER)
    issue_due()
    first, old = seen().serial, leaf_of().public_key()
    execute(IssueNow(namespace="shop", name="web"), by=SYSTEM)
    issue_due()
    assert leaf_of().public_key() == old
    receipt = execute(revoking(first), by=SYSTEM)
    assert (receipt.after or {})["together_with"] == [seen().serial]
    issue_due()
    assert leaf_of().public_key() != old
    assert [each.revoked_reason for each in history("shop", "web")] == ["", "keyCompromise", "keyCompromise"]


def test_another_cause_takes_back_the_one_issue_alone(pki: House) -> None:
    want(private_key=NEVER)
    issue_due()
    first = seen().serial
    execute(IssueNow(namespace="shop", name="web"), by=SYSTEM)
    issue_due()
    execute(revoking(first, cause="superseded"), by=SYSTEM)
    assert seen().revoked_reason == ""


def test_what_a_thief_renewed_with_a_stolen_certificate_is_taken_back_with_it(pki: House) -> None:
    def serial_in(chain_pem: str) -> str:
        return f"{chain_from_pem(chain_pem, field='chain')[0].serial_number:x}"

    stolen = serial_in(joined().chain_pem)
    child = serial_in(renew(stolen, URI, csr(), by=acting(serial=stolen)).chain_pem)
    grandchild = serial_in(renew(child, URI, csr(), by=acting(serial=child)).chain_pem)
    elsewhere = serial_in(joined().chain_pem)
    execute(revoking(stolen), by=SYSTEM)
    taken_back = {each.serial for each in issued_of("workload/shop/checkout") if each.revoked_at}
    assert taken_back == {stolen, child, grandchild}
    other = issued(elsewhere)
    assert other is not None
    assert other.revoked_at is None
