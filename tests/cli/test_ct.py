"""govctl ct against a real control plane."""

import subprocess
import sys
from pathlib import Path

import pytest

from governance.kernel.actor import EVERYWHERE
from governance.kernel.clock import now
from governance.ledger import queries
from governance.ledger.execute import execute
from governance.pki.commands import RecordFindings
from governance.pki.ct.misbehaviour import Misbehaved
from governance.pki.ct.own.log import own_log
from governance.pki.ct.standing import Noticed
from governance.pki.observe import logs as observed
from governance.pki.queries import logs
from governance.pki.queries.certificates import certificate
from governance.pki.queries.watching import watched
from governance.pki.setup import ensure_pki
from governance.pki.worker import WORKER, issue_due
from tests.cli.conftest import Govctl, MakeToken

SURE = ("--reason", "opening day", "--yes")


@pytest.fixture(autouse=True)
def pki(house: object) -> None:
    """An issuer and a log, before the control plane starts."""
    ensure_pki()


@pytest.fixture
def officer(govctl: Govctl, token_of: MakeToken) -> Govctl:
    """govctl in the hands of security."""
    return Govctl(govctl.address, token_of("sue", "security"))


@pytest.fixture
def cart(govctl: Govctl) -> str:
    """The serial of shop/cart after its first issue."""
    done = govctl("cert", "request", "shop/cart", "--dns", "cart.shop.svc", *SURE)
    assert done.code == 0, done.err
    issue_due()
    found = certificate("shop", "cart")
    assert found is not None
    return found.serial


def test_a_certificate_is_checked_by_its_serial_and_by_its_file(govctl: Govctl, cart: str, tmp_path: Path) -> None:
    kept = govctl("ct", "check", cart)
    assert (kept.code, kept.out.count("logged"), "valid" in kept.out) == (0, 2, True)
    assert govctl("ct", "check", cart, "--ask-logs", "-o", "json").json["state"] == "logged"
    chain = tmp_path / "chain.pem"
    chain.write_text(govctl("cert", "get", "shop/cart", "--pem").out)
    assert govctl("ct", "check", str(chain), "-o", "json").json["serial"] == cart
    authority = tmp_path / "authority.pem"
    authority.write_text("-----BEGIN" + chain.read_text().split("-----BEGIN")[2])
    bare = govctl("ct", "check", str(authority))
    assert (bare.code, bare.err) == (1, "govctl: not logged: there is no timestamp of a log in it\n")
    broken = tmp_path / "extension"
    broken.write_bytes(b"\x00\x05no")
    wrong = govctl("ct", "check", str(chain), "--tls", str(broken))
    assert (wrong.code, wrong.err.startswith("govctl: tls: ")) == (1, True)
    assert govctl("ct", "check", str(chain), "--stapled", str(tmp_path / "none")).code == 2
    assert govctl("ct", "check", "0a0b").code == 4


def test_a_proof_is_written_as_files_that_hold_offline(govctl: Govctl, cart: str, tmp_path: Path) -> None:
    directory = tmp_path / "evidence"
    done = govctl("ct", "prove", cart, "--dir", str(directory))
    assert done.code == 0, done.err
    command = done.out.splitlines()[-1].split(" && ")[1].split()
    assert command[:2] == ["python3", "verify_proof.py"]
    check = [sys.executable, "-I", *command[1:]]
    good = subprocess.run(check, cwd=directory, capture_output=True, text=True, check=False)
    assert (good.returncode, good.stdout.count("PASS ")) == (0, 5), good.stdout
    said = govctl("ct", "prove", cart, "--dir", str(directory), "--log", own_log().log_id.hex(), "-o", "json").json
    assert (said["serial"], len(said["files"])) == (cart, 4)
    (tmp_path / "file").write_text("")
    assert govctl("ct", "prove", cart, "--dir", str(tmp_path / "file")).code == 2
    assert govctl("ct", "prove", "0a0b", "--dir", str(directory)).code == 4


def test_logs_are_listed_and_one_that_lies_ends_with_its_evidence(govctl: Govctl, cart: str) -> None:
    log_id = own_log().log_id.hex()
    assert log_id[:16] in govctl("ct", "logs", "--source", "own").out
    shown = govctl("ct", "log", log_id[:8])
    assert (shown.code, own_log().origin in shown.out) == (0, True)
    assert govctl("ct", "log", log_id, "--key").out.startswith("-----BEGIN PUBLIC KEY-----")
    observed.caught(log_id, Misbehaved("forked", "two roots for one size", {"old": "one", "new": "two"}), at=now())
    lies = govctl("ct", "log", log_id)
    assert (lies.code, lies.err) == (1, "govctl: forked: two roots for one size\n")
    assert "old:\none" in lies.out
    assert govctl("ct", "logs", "-o", "json").json[0]["status"] == "lies"
    assert govctl("ct", "log", "zz").code == 2


def test_findings_are_listed_and_acknowledged(govctl: Govctl, officer: Govctl) -> None:
    opened = [
        Noticed(key=f"not_issued:{each}", kind="not_issued", namespace=each, subject=f"{each}.org", message="it is so")
        for each in ("shop", EVERYWHERE)
    ]
    execute(RecordFindings(opened=tuple(opened)), by=WORKER)
    assert "shop.org" in govctl("ct", "findings", "--namespace", "shop").out
    (found,) = govctl("ct", "findings", "--namespace", "shop", "-o", "json").json
    assert govctl("ct", "ack", found["id"], *SURE).code == 3
    assert "would change" in officer("ct", "ack", found["id"], "--dry-run").out
    done = officer("ct", "ack", found["id"], *SURE)
    assert (done.code, "acknowledged at revision" in done.out) == (0, True), done.err
    assert officer("ct", "ack", found["id"], "--reason", "", "--yes").err.startswith("govctl: reason: ")
    assert len(govctl("ct", "findings", "--state", "alarming", "-o", "json").json) == 1
    assert "acknowledged" in govctl("ct", "findings").out
    assert govctl("ct", "findings", "--kind", "boredom").code == 1
    assert "logged not issued" in govctl("ct", "board").out
    (row,) = govctl("ct", "board", "--namespace", "shop", "-o", "json").json
    assert (row["kind"], row["subject"]) == ("logged_not_issued", "shop.org")


def test_the_board_says_so_when_all_agree(govctl: Govctl) -> None:
    assert govctl("ct", "board").out == "issued, logged and served agree\n"


def test_the_gate_is_shown_and_set(govctl: Govctl, officer: Govctl) -> None:
    assert "default" in govctl("ct", "gate", "show").out
    assert "would change" in officer("ct", "gate", "set", "alarm", "--dry-run").out
    assert govctl("ct", "gate", "set", "alarm", *SURE).code == 3
    done = officer("ct", "gate", "set", "alarm", "--issuer", "internal", *SURE)
    assert done.code == 0, done.err
    assert logs.mode_of("internal") == "alarm"
    entry = queries.get(queries.last_revision("transparency/internal"))
    assert entry is not None
    assert entry.reason == "opening day"
    assert govctl("ct", "gate", "show", "-o", "json").json[0]["mode"] == "alarm"
    assert officer("ct", "gate", "set", "ajar", *SURE).err.startswith("govctl: mode: ")


def test_names_are_watched_and_no_longer(govctl: Govctl, officer: Govctl) -> None:
    done = officer("ct", "watch", "shop.example.org", "bank.example.org", *SURE)
    assert done.code == 0, done.err
    assert govctl("ct", "watch").out == "bank.example.org\nshop.example.org\n"
    assert govctl("ct", "watch", "-o", "json").json["names"] == ["bank.example.org", "shop.example.org"]
    assert officer("ct", "watch", "shop.example.org", "--none", *SURE).code == 2
    assert officer("ct", "watch", "--none", *SURE).code == 0
    assert watched().names == ()


def test_listeners_come_and_go(govctl: Govctl, officer: Govctl) -> None:
    words = ("ct", "listeners", "add", "10.0.0.1:443", "--namespace", "shop", "--server-name", "www.example.org")
    assert "+ address: 10.0.0.1:443" in officer(*words, "--dry-run").out
    done = officer(*words, *SURE, "-o", "json").json
    assert "www.example.org" in govctl("ct", "listeners", "list").out
    (found,) = govctl("ct", "listeners", "list", "--namespace", "shop", "-o", "json").json
    assert done["thing"] == f"listener/shop/{found['id']}"
    assert officer("ct", "listeners", "remove", found["id"], *SURE).code == 4
    assert officer("ct", "listeners", "remove", found["id"], "--namespace", "shop", *SURE).code == 0
    assert govctl("ct", "listeners", "list", "-o", "json").json == []
