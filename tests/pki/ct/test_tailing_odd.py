"""Entries of which the library makes nothing: each is reported or passed over, and hides nothing after it."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from governance.kernel.clock import now
from governance.kernel.errors import Invalid
from governance.pki.ct import mine
from governance.pki.ct.content import read_certificate
from governance.pki.ct.own import submission
from governance.pki.ct.reading import LoggedEntry
from governance.pki.worker import issue_due
from tests.fixtures.ctlog import CtLog
from tests.fixtures.house import House
from tests.pki.conftest import chain_of, clock_at, want
from tests.pki.ct.promising import Above, Wanted
from tests.pki.ct.tailed import chain_under, filler, found, known, log_raw, pin, read, stolen, strangers, watch
from tests.pki.ct.watched import MINUTES, board_now

VERSION = b"\xa0\x03\x02\x01"


def fourth(der: bytes) -> bytes:
    """The same certificate in a version that there is not, which the library refuses in a way of its own."""
    place = der.index(VERSION + b"\x02") + len(VERSION)
    return der[:place] + b"\x03" + der[place + 1 :]


def of_version_4(name: str, by: Above) -> bytes:
    return fourth(Wanted(name).certificate(by).public_bytes(Encoding.DER))


def test_a_certificate_of_an_unknown_version_is_refused_like_any_that_cannot_be_read() -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        read_certificate(of_version_4("shop.example.org", strangers()))


def test_an_entry_of_an_unknown_version_is_found_and_hides_nothing_after_it(pki: House) -> None:
    watch("example.org")
    with CtLog() as log:
        filler(log, 2)
        pin(log)
        log_raw(log, of_version_4("odd.example.org", strangers()))
        log.add_chain([Wanted("after.example.org").certificate(strangers())])
        read()
        assert {each.subject for each in found("not_ours")} == {"odd.example.org", "after.example.org"}
        assert (known(log).next_index, known(log).error) == (4, "")


def test_one_in_the_name_of_an_authority_of_ours_is_an_alarm_all_the_same(pki: House) -> None:
    with CtLog() as log:
        pin(log)
        log_raw(log, of_version_4("innocent.example.com", stolen()))
        with clock_at(now() + 5 * MINUTES):
            read()
            assert [each.subject for each in found("not_issued")] == ["innocent.example.com"]
            assert known(log).next_index == 1
            assert board_now().rows != ()


def test_a_precertificate_of_an_unknown_version_under_our_authority_is_an_alarm(pki: House) -> None:
    by = stolen()
    with CtLog() as log:
        pin(log)
        log.add_pre_chain([Wanted("innocent.example.com").precertificate(by), *chain_under(by)])
        leaf, chain = log.records[0]
        entry = replace(leaf.entry, body=fourth(leaf.entry.body))
        log.records[0] = replace(leaf, entry=entry, precertificate=fourth(leaf.precertificate)), chain
        log.sign()
        with clock_at(now() + 5 * MINUTES):
            read()
            assert [each.detail["signed"] for each in found("not_issued")] == [False]
            assert known(log).next_index == 1


def test_what_a_log_shows_above_an_entry_may_be_of_an_unknown_version(pki: House) -> None:
    by = stolen()
    with CtLog() as log:
        pin(log)
        log.add_chain([Wanted("innocent.example.com").certificate(strangers()), by.certificate])
        leaf, (above,) = log.records[0]
        log.records[0] = leaf, (fourth(above),)
        log.sign()
        with clock_at(now() + 5 * MINUTES):
            read()
            assert known(log).next_index == 1


def test_an_entry_that_makes_our_own_code_fail_is_reported_and_passed_over(
    pki: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever nobody has thought of yet; here the search for the authority breaks down over two of them."""
    watch("example.org")
    whole = mine.Mine.authority_over

    def broken(self: mine.Mine, logged: LoggedEntry) -> mine.Ours | None:
        if b"odd.example" in logged.entry.body or b"nobody.example" in logged.entry.body:
            raise RuntimeError("nobody thought of this")
        return whole(self, logged)

    monkeypatch.setattr(mine.Mine, "authority_over", broken)
    with CtLog() as log:
        pin(log)
        for name in ("odd.example.org", "nobody.example.net", "after.example.org"):
            log.add_chain([Wanted(name).certificate(strangers())])
        read()
        assert {each.subject for each in found("not_ours")} == {"odd.example.org", "after.example.org"}
        assert known(log).next_index == 3


def test_our_own_log_refuses_an_unknown_version_in_words(pki: House) -> None:
    want()
    issue_due()
    leaf, *above = [each.public_bytes(Encoding.DER) for each in chain_of()]
    with pytest.raises(Invalid, match="certificate 1 is none"):
        submission.take([fourth(leaf), *above], pre=False)
