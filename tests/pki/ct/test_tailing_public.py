"""Which logs are searched from where on, and what is said of lists and of logs that are behind."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from django.conf import settings

from governance.kernel.clock import now
from governance.pki.ct import logalarms, loglist, publiclist, tailing
from governance.pki.ct.logs import MIMICS, LogState
from governance.pki.ct.logstates import is_read, log_states
from tests.fixtures.ctlog import CtLog
from tests.fixtures.house import House
from tests.pki.conftest import DAY
from tests.pki.ct.promising import AT, Wanted
from tests.pki.ct.publishing import KEY, SINCE, publish, usable
from tests.pki.ct.tailed import alarms, filler, found, known, pin, read, strangers, the, watch


def test_logs_of_the_public_list_are_read_from_where_they_stand(place: Path) -> None:
    watch("example.org")
    with CtLog() as log:
        log.add_chain([Wanted("old.example.org").certificate(strangers())])
        filler(log, 2)
        publish(place, log.log(states=(LogState("usable", SINCE),)))
        publiclist.keep_list(now())
        read()
        assert (known(log).next_index, found("not_ours")) == (len(log.records), [])
        log.add_chain([Wanted("new.example.org").certificate(strangers())])
        read()
        assert the("not_ours").subject == "new.example.org"


def test_an_empty_log_of_the_public_list_is_read_from_its_first_entry(place: Path) -> None:
    watch("example.org")
    with CtLog() as log:
        publish(place, log.log(states=(LogState("usable", SINCE),)))
        publiclist.keep_list(now())
        read()
        log.add_chain([Wanted("new.example.org").certificate(strangers())])
        read()
        assert the("not_ours").subject == "new.example.org"


@pytest.mark.parametrize("state", ["pending", "retired", "rejected"])
def test_logs_that_are_not_in_use_are_not_read(place: Path, state: Any) -> None:
    with CtLog() as log:
        publish(place, log.log(states=(LogState(state, SINCE),)))
        publiclist.keep_list(now())
        read()
        assert log.requests == []
        (mine,) = [each for each in log_states(now()) if each.log.source == "listed"]
        assert (mine.status, mine.lag) == ("never_read", 0)
        assert state in mine.sentence


def test_a_log_whose_certificates_are_all_over_is_not_read() -> None:
    over = usable(interval=(AT - 400 * DAY, AT - DAY))
    assert not is_read(over, now())
    assert is_read(usable(interval=(AT - DAY, AT + DAY)), now())


def test_logs_whose_keys_are_published_are_never_believed(place: Path) -> None:
    with CtLog() as log:
        data = loglist.to_json([log.log(is_test=True, states=(LogState("usable", SINCE),))])
        path = publish(place)
        path.write_text(data)
        path.with_suffix(".sig").write_bytes(KEY.sign(data.encode(), padding.PKCS1v15(), hashes.SHA256()))
        publiclist.keep_list(now())
        read()
        assert log.requests == []
        (denied,) = [each for each in log_states(now()) if each.log.source == "listed"]
        assert denied.log.is_denied
        assert denied.status == "never_read"
        assert len(MIMICS) == 2


def test_a_log_that_is_searched_no_longer_leaves_no_alarm(place: Path) -> None:
    with CtLog() as log:
        filler(log, 2)
        pin(log)
        read()
        log.fork()
        read()
        assert alarms() == ["log_lies"]
        settings.GOV = settings.GOV.model_copy(update={"ct_logs": ""})
        read()
        assert found("log_lies") == []


def test_a_file_of_pinned_logs_that_cannot_be_read_is_an_alarm_and_hides_no_other_log(pki: House) -> None:
    settings.GOV = settings.GOV.model_copy(update={"ct_logs": str(Path(settings.DATA_DIR) / "not there.json")})
    read()
    assert the("list_invalid").subject == "GOV_CT_LOGS"
    assert [each.log.source for each in log_states(now())] == ["own"]
    assert log_states(now())[0].status == "ok"
    pin()
    read()
    assert alarms() == []


def test_a_backlog_is_an_alarm_when_it_grows_or_is_old(pki: House) -> None:
    with CtLog() as log:
        filler(log, 2)
        pin(log)
        reading = next(each for each in tailing.read_logs() if each.log.source == "pinned")
        reading.lag, reading.lag_before = 10_001, 20_000
        logalarms.tell([reading], now())
        assert alarms() == []  # it is worked off, and what is read is new
        reading.lag_before = 10_001
        logalarms.tell([reading], now())
        assert the("log_backlog").subject == log.name
        reading.lag_before = 20_000
        logalarms.tell([reading], now() + timedelta(hours=1))
        assert alarms() == ["log_backlog"]
        reading.lag = 10_000
        logalarms.tell([reading], now())
        assert alarms() == []
