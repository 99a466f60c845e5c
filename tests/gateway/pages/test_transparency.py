"""Whether certificates are logged, and the proof of it: who is shown what, and what can be taken along."""

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from django.test import Client

from governance.pki.ct.own.log import own_log
from governance.pki.queries import certificates
from tests.gateway.pages import transparent
from tests.gateway.pages.conftest import SignIn, text_of
from tests.gateway.pages.outside import Outside

PROOF = "python3 verify_proof.py certificate.pem proof.tlog-proof log-key.pem"


@pytest.fixture
def vera(world: Outside, signed_in: SignIn) -> Client:
    """One who sees everything."""
    return signed_in("vera", "viewer")


def _rows(page: str) -> dict[str, str]:
    body = page.split("<tbody>")[1].split("</tbody>", maxsplit=1)[0]
    return dict(re.findall(r'<tr data-key="([^"]+)"[^>]*>(.*?)</tr>', body, re.DOTALL))


def _panel(browser: Client, name: str, serial: str = "") -> str:
    page = text_of(browser, f"/certificates/shop/{name}?tab=logs&serial={serial}")
    return page.split('aria-labelledby="ct"', maxsplit=1)[1].split("</section>", maxsplit=1)[0]


def _serial(name: str) -> str:
    found = certificates.certificate("shop", name)
    assert found is not None
    return found.serial


def _banner(page: str) -> str:
    return page.split('id="banners"')[1].split("</div>", maxsplit=1)[0]


def test_the_list_says_of_each_whether_it_is_logged(vera: Client) -> None:
    rows = _rows(text_of(vera, "/certificates"))
    words = {"shop/checkout": "Logged", "shop/returns": "Not logged", "shop/basket": "Waits for its proof"}
    for path, word in words.items():
        assert f"<span>{word}</span>" in rows[path], path
    assert "Rome 2026h2 promised it" in rows["shop/returns"]


@pytest.mark.parametrize(
    ("state", "there"),
    [("pending", {"shop/basket"}), ("not_logged", {"shop/returns"}), ("unknown", set())],
)
def test_the_list_is_filtered_by_it(vera: Client, state: str, there: set[str]) -> None:
    page = text_of(vera, f"/certificates?logged={state}")
    assert f"{len(there)} of 12 certificates" in page
    assert (set(_rows(page)) if there else set()) == there


def test_the_filter_agrees_with_what_the_rows_say(vera: Client) -> None:
    rows = _rows(text_of(vera, "/certificates"))
    logged = {path for path, row in rows.items() if "<span>Logged</span>" in row}
    assert set(_rows(text_of(vera, "/certificates?logged=logged"))) == logged


def test_a_logged_one_shows_each_promise_with_its_place_in_the_log(vera: Client) -> None:
    panel = _panel(vera, "basket")
    assert panel.count("<span>Holds</span>") == panel.count("<span>In the log</span>") == 2
    assert "Rome Trust" in panel
    assert re.search(r'<td class="num">\s*\d+</td>', panel)
    assert "proven in a checkpoint with" in panel
    assert "Gate: proven, then in force" in panel


def test_one_that_is_not_logged_says_what_lacks_and_offers_no_proof(vera: Client) -> None:
    page = text_of(vera, "/certificates/shop/returns?tab=logs")
    assert "does not have it" in _panel(vera, "returns")
    assert "Not logged" in _panel(vera, "returns")
    assert "Prove it to somebody" not in page


def test_an_issue_that_waits_is_told_on_every_tab_while_the_one_before_serves_on(vera: Client) -> None:
    for tab in ("status", "chain", "logs", "history"):
        page = text_of(vera, f"/certificates/shop/basket?tab={tab}")
        assert "Issue No. 2 waits until it is proven to be logged" in page
        assert "No. 1 serves on meanwhile." in page
    history = _rows(text_of(vera, "/certificates/shop/basket?tab=history"))
    (waiting, in_force) = history.values()
    assert "Waits for its proof" in waiting
    assert "In force" in in_force
    found = certificates.certificate("shop", "basket")
    assert found is not None
    assert found.pending is not None
    assert "Waits for its proof" in _panel(vera, "basket", found.pending.serial)
    line = text_of(vera, "/certificates/shop/basket").split('id="life-line"')[1].split("</table>")[0]
    assert 'class="mark-renewed"' not in line


def test_it_is_in_force_as_soon_as_the_log_has_it(world: Outside, vera: Client) -> None:
    world.rome.sign()
    transparent.look()
    page = text_of(vera, "/certificates/shop/basket?tab=logs")
    assert "waits until it is proven" not in page
    assert "Certificate transparency of issue No. 2" in page
    assert "<span>Logged</span>" in _rows(text_of(vera, "/certificates"))["shop/returns"]


@pytest.mark.parametrize("which", ["ours", "rome"])
def test_a_stranger_can_check_the_files_with_nothing_but_python(
    world: Outside, vera: Client, tmp_path: Path, which: str
) -> None:
    log = own_log() if which == "ours" else world.rome.log()
    serial = _serial("basket")
    page = text_of(vera, "/certificates/shop/basket?tab=logs")
    address = f"/issued/{serial}/proof/{log.log_id.hex()}/{serial}.zip"
    assert f'href="{address}"' in page
    assert PROOF in page
    answer = vera.get(address)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{serial}.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path)
    command = [sys.executable, "-I", *PROOF.split()[1:]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count("PASS")) == (0, 5), done.stdout
    key = tmp_path / "log-key.pem"
    assert vera.get(address.replace(f"{serial}.zip", "log-key.pem")).content == key.read_bytes()


def test_the_same_proof_makes_the_same_archive(vera: Client) -> None:
    serial = _serial("checkout")
    address = f"/issued/{serial}/proof/{own_log().log_id.hex()}/{serial}.zip"
    assert vera.get(address).content == vera.get(address).content


def test_there_is_no_proof_of_what_is_not_proven_not_asked_for_or_of_others(
    world: Outside, vera: Client, signed_in: SignIn
) -> None:
    ours, basket = own_log().log_id.hex(), _serial("basket")
    for address in (
        f"/issued/{_serial('returns')}/proof/{ours}/certificate.pem",
        f"/issued/{basket}/proof/{ours}/private.key",
        f"/issued/{basket}/proof/{'0' * 64}/certificate.pem",
        f"/issued/{basket}/proof/nonsense/certificate.pem",
        f"/issued/nonsense/proof/{ours}/certificate.pem",
        f"/issued/0123/proof/{ours}/certificate.pem",
    ):
        assert vera.get(address).status_code == 404, address
    other = signed_in("bert", "viewer", "bank")
    assert other.get(f"/issued/{basket}/proof/{ours}/certificate.pem").status_code == 404
    stranger = Client(headers={"host": "127.0.0.1"})
    assert stranger.get(f"/issued/{basket}/proof/{ours}/certificate.pem").status_code == 302


def test_every_page_tells_of_alarms_the_worst_first_to_those_whom_they_concern(
    world: Outside, vera: Client, signed_in: SignIn
) -> None:
    banner = _banner(text_of(vera, "/services"))
    assert "Certificate transparency: 9 findings alarm" in banner
    words = ["Served, not issued here", "Logged, not issued here", "Log contradicts itself", "and 6 more"]
    assert [banner.index(word) for word in words] == sorted(banner.index(word) for word in words)
    assert "banner-danger" in banner
    erin = _banner(text_of(signed_in("erin", "viewer", "shop"), "/services"))
    assert "4 findings alarm" in erin
    assert "Log contradicts itself" not in erin
    nobody = signed_in("wim", "workload", "shop").get("/services").content.decode()
    assert "Certificate transparency" not in nobody


def test_the_overview_counts_what_is_logged_and_what_alarms(vera: Client) -> None:
    card = text_of(vera, "/").split('id="card-transparency"')[1].split("</section>")[0]
    assert '<a href="/board">10</a>' in card
    assert "of 12 certificates in use are logged" in card
    assert "/certificates?logged=not_logged" in card
    assert "9 findings alarm" in card


def test_a_page_says_why_nothing_can_be_told_when_the_pinned_logs_cannot_be_read(world: Outside, vera: Client) -> None:
    Path(world.environ["GOV_CT_LOGS"]).write_text("{}")
    panel = _panel(vera, "basket")
    assert "Cannot tell" in panel
    assert "is not usable" in panel
    for address in ("/logs", "/board", "/findings", "/monitor"):
        text_of(vera, address)


def test_no_page_of_it_needs_inline_scripts_or_styles(vera: Client) -> None:
    for address in (
        *("/board", "/findings?state=all", "/logs", "/monitor", "/check"),
        *("/certificates/shop/basket?tab=logs", "/certificates/shop/returns?tab=logs"),
    ):
        page = text_of(vera, address)
        assert " style=" not in page
        assert "<style" not in page
        assert page.count("<script>") == 0
