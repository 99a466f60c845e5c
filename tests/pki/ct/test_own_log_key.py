"""The key of the log in the box: sealed, moved with the others, and good for what OpenSSL checks."""

import re
import socket
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings

from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.kernel.errors import Unavailable
from governance.pki.ct.loglist import openssl_conf
from governance.pki.ct.models import CtLog
from governance.pki.ct.own.log import ensure_log, own_log
from governance.pki.ct.own.sequencer import append
from governance.pki.ct.own.view import OwnView
from governance.pki.ct.sct import sct_extension
from governance.pki.keyring import key_encryption_key, of_log, sealed
from governance.pki.keys import to_pem as key_to_pem
from governance.pki.pem import to_pem
from governance.pki.queries.delivery import check_keys
from governance.pki.rewrapping import rewrap_all
from governance.pki.sealing import sealed_with
from tests.fixtures.house import House
from tests.pki.conftest import clock_at
from tests.pki.ct.own import above, as_draft, certificate, leaf, several, whole_log
from tests.pki.house import key
from tests.pki.kek import OTHER, given


@pytest.fixture(autouse=True)
def read_anew() -> Iterator[None]:
    """The key is read once in a process; the next test has another."""
    yield
    key_encryption_key.cache_clear()


def test_the_key_moves_to_a_new_key_encryption_key_and_signs_on(empty_log: House) -> None:
    append(several(2))
    first, before = settings.GOV.key_encryption_key, own_log()
    given(key_encryption_key=OTHER, key_encryption_key_old=first)
    outcome = rewrap_all(by=SYSTEM)
    assert (outcome.moved, outcome.left) == (1, 0)
    given(key_encryption_key_old="")
    assert sealed_with(bytes(CtLog.objects.get().sealed_key)) == key_encryption_key().id
    append(several(2, "more"))
    assert own_log() == before
    assert whole_log() == 4
    assert rewrap_all(by=SYSTEM).moved == 0


def test_a_start_without_its_key_encryption_key_is_refused(empty_log: House) -> None:
    check_keys()
    given(key_encryption_key=OTHER)
    with pytest.raises(Unavailable, match="GOV_KEY_ENCRYPTION_KEY is another than"):
        check_keys()


def test_without_its_key_nothing_is_promised_and_everything_can_be_read(empty_log: House) -> None:
    append(several(2))
    strangers = sealed(ec.generate_private_key(ec.SECP256R1()), context=of_log("internal"))
    elsewhere = sealed(ec.generate_private_key(ec.SECP256R1()), context=of_log("other"))
    before = OwnView().head()
    CtLog.objects.update(sealed_key=strangers)
    with pytest.raises(Unavailable, match="does not fit its public key"):
        append([certificate()])
    CtLog.objects.update(sealed_key=elsewhere)
    with pytest.raises(Unavailable, match="cannot be opened"):
        append([certificate()])
    assert OwnView().head() == before
    assert whole_log() == 2


def test_openssl_finds_our_promises_valid(house: House, tmp_path: Path) -> None:
    with clock_at(now() - timedelta(seconds=2)):  # OpenSSL's clock has whole seconds: one of this second is yet to come
        ensure_log()
        append(several(300))
        drafted = leaf("web")
        (told,) = append([as_draft(drafted.precertificate(), above())])
    signer, root = above()
    files = {
        "leaf": to_pem(drafted.with_timestamps(sct_extension([told.sct]))),
        "chain": to_pem(signer),
        "root": to_pem(root),
        "key": key_to_pem(key("leaf")).decode(),
        "logs": openssl_conf([own_log()]),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shown = ["-cert", "leaf", "-key", "key", "-cert_chain", "chain"]
    server = subprocess.Popen(
        ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-naccept", "1", *shown],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        while "ACCEPT" not in server.stdout.readline():
            assert server.poll() is None
        asked = ["-connect", f"127.0.0.1:{port}", "-ct", "-ctlogfile", "logs", "-CAfile", "root"]
        done = subprocess.run(
            ["openssl", "s_client", *asked], cwd=tmp_path, input="", capture_output=True, text=True, check=False
        )
    finally:
        server.kill()
        server.communicate()
    assert re.findall(r"SCT validation status: (.*)", done.stdout) == ["valid"], done.stdout + done.stderr
