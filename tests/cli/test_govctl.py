"""govctl against a real control plane."""

import subprocess
import sys
from pathlib import Path

from governance.ledger import queries
from governance.registry import queries as registry
from tests.cli.conftest import Govctl, MakeToken
from tests.fixtures.processes import ROOT, eventually

SWITCH = ("lb", "switch", "shop/checkout")
SURE = ("--reason", "peak hours", "--yes")


def test_what_is_there_is_listed(govctl: Govctl) -> None:
    services = govctl("services")
    assert services.code == 0
    assert "shop/checkout" in services.out
    assert "round_robin" in services.out
    (service,) = govctl("services", "--output", "json").json
    assert (service["name"], service["endpoints_total"], service["owner"]) == ("checkout", 4, "web")
    assert isinstance(service["revision"], int)
    endpoints = govctl("--output=json", "endpoints", "shop/checkout").json
    assert [one["name"] for one in endpoints] == ["c0", "c1", "c2", "c3"]
    assert endpoints[0]["health"] in ("unknown", "unhealthy")
    assert "127.0.0.1:7002" in govctl("endpoints", "shop/checkout").out
    assert govctl("clients", "-o", "json").json == []
    assert "CLIENT" in govctl("clients", "--out-of-sync", "--service", "shop/checkout").out


def test_a_switch_shows_its_diff_is_recorded_and_can_be_taken_back(govctl: Govctl) -> None:
    tried = govctl(*SWITCH, "wrr", "--weight", "c0=3", "--dry-run")
    assert "+ weights[c0]: 3" in tried.out
    assert "would change" in tried.out
    assert govctl("lb", "get", "shop/checkout", "-o", "json").json["revision"] == 0

    switched = govctl(*SWITCH, "wrr", "--weight", "c0=3", "--set", "timeout_ms=500", *SURE)
    assert switched.code == 0, switched.err
    entry = queries.get(queries.last_revision("balancing/shop/checkout"))
    assert entry is not None
    assert f"in force at revision {entry.revision}" in switched.out
    assert (entry.actor, entry.reason, entry.door) == ("olga/laptop", "peak hours", "grpc")
    assert entry.after == {
        "policy": "weighted_round_robin",
        "timeout_ms": 500,
        "weights": {"c0": 3},
        "weigh_by": "instance",
    }
    assert "50.0 %" in govctl("lb", "get", "shop/checkout").out
    again = govctl(*SWITCH, "wrr", "--weight", "c0=3", "--set", "timeout_ms=500", *SURE)
    assert "it stands so already" in again.out

    restored = govctl("lb", "restore", "shop/checkout", "0", *SURE, "-o", "json").json
    assert restored["changed"]
    assert restored["after"]["policy"] == "round_robin"
    newest, oldest = govctl("lb", "history", "shop/checkout", "-o", "json").json
    assert (newest["balancing"]["policy"], oldest["balancing"]["policy"]) == ("round_robin", "weighted_round_robin")
    assert "peak hours" in govctl("lb", "history", "shop/checkout").out


def test_watching_a_switch_that_nobody_sees_ends_at_once(govctl: Govctl) -> None:
    watched = govctl(*SWITCH, "ring_hash", "--set", "hash_header=x-user", *SURE, "--watch", "--output", "json")
    assert watched.code == 0, watched.err
    receipt, state = watched.json_lines
    assert receipt["after"]["hash_header"] == "x-user"
    assert (state["revision"], state["clients"]) == (receipt["revision"], [])
    assert "no client sees this service" in watched.err


def _all_checked() -> bool:
    service = registry.service("shop", "checkout")
    return service is not None and all(endpoint.health != "unknown" for endpoint in service.endpoints)


def test_the_audit_trail_is_tailed(govctl: Govctl) -> None:
    eventually(_all_checked, "endpoints at which nobody answers are found unhealthy: that is a fact too")
    head = queries.head_revision()
    past = govctl("audit", "tail", "--last", "2", "--no-follow", "-o", "json").json_lines
    assert [event["seq"] for event in past] == [head - 1, head]
    assert past[0]["after"] is not None
    assert govctl("audit", "tail", "--no-follow", "--last", "0").out == ""
    words = govctl("audit", "tail", "--no-follow", "--after", str(head - 1)).out
    assert words.split()[0] == str(head)
    assert govctl("audit", "tail", "--no-follow", "--after", str(head)).out == ""


def test_following_goes_on_until_it_is_stopped(govctl: Govctl) -> None:
    eventually(_all_checked, "so that the next facts are the switches")
    head = queries.head_revision()
    # From a revision on, so that nothing is missed however long the command takes to start.
    command = [sys.executable, "-m", "gateway.cli.main", "audit", "tail", "--after", str(head)]
    environ = {"GOVCTL_TOKEN": govctl.token, "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(
        [*command, "--server", govctl.address, "-o", "json"],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as following:
        assert following.stdout is not None
        for revision, policy in enumerate(("least_request", "ring_hash"), head + 1):
            assert govctl(*SWITCH, policy, *SURE).code == 0
            assert f'"seq":{revision},' in following.stdout.readline()
        following.send_signal(2)
        assert following.wait(30) == 130


def test_refusals_are_one_clear_line_and_a_code(govctl: Govctl, token_of: MakeToken, tmp_path: Path) -> None:
    bad_weight = govctl(*SWITCH, "wrr", "--weight", "c0=0", *SURE)
    assert bad_weight.code == 1
    assert bad_weight.err.startswith("govctl: balancing.weights: are all 0")
    assert bad_weight.err.count("\n") == 1
    several = govctl(*SWITCH, "wrr", "--weight", "c0=-1", "--weight", "c1=2000", *SURE)
    assert "weights[c0]: is -1" in several.err
    assert "weights[c1]: is 2000" in several.err
    assert govctl(*SWITCH, "fastest", *SURE).code == 1
    assert govctl("lb", "get", "shop/nothing").code == 4
    assert govctl("services", GOVCTL_TOKEN="gov_wrong").code == 3
    assert "give a token" in govctl("services", GOVCTL_TOKEN="").err
    assert govctl("services", "--token-file", str(tmp_path / "none")).code == 2
    kept = tmp_path / "token"
    kept.write_text(token_of("vera", "viewer") + "\n")
    assert govctl("services", "--token-file", str(kept), GOVCTL_TOKEN="").code == 0
    denied = govctl(*SWITCH, "lr", *SURE, "--token-file", str(kept))
    assert denied.code == 3
    assert "traffic.write" in denied.err
    assert queries.last_revision("balancing/shop/checkout") == 0


def test_wrong_usage_is_told_before_anything_is_sent() -> None:
    nowhere = Govctl("127.0.0.1:1", "")
    assert nowhere("services").code == 6
    assert "cannot reach 127.0.0.1:1" in nowhere("services").err
    for words in (("lb", "swich"), ("services", "-o", "xml"), (*SWITCH, "rr", "--weight", "c0"), ("endpoints", "/x")):
        assert nowhere(*words).code == 2, words


def test_nobody_is_asked_where_nobody_is(govctl: Govctl) -> None:
    assert "give --reason" in govctl(*SWITCH, "lr").err
    assert "give --yes" in govctl(*SWITCH, "lr", "--reason", "x").err
    assert queries.last_revision("balancing/shop/checkout") == 0


def test_the_person_at_the_terminal_is_asked_for_a_reason_and_to_confirm(govctl: Govctl) -> None:
    assert "nothing was changed" in govctl.typed("fewer zones\nn\n", *SWITCH, "zone_aware", "--set", "spill_pct=10")
    assert queries.last_revision("balancing/shop/checkout") == 0
    shown = govctl.typed("fewer zones\ny\n", *SWITCH, "zone_aware", "--set", "spill_pct=10")
    entry = queries.get(queries.last_revision("balancing/shop/checkout"))
    assert entry is not None
    assert entry.reason == "fewer zones"
    assert "+ spill_pct: 10" in shown
    assert "SHARE FROM z1" in shown


def test_bootstrap_files_lead_to_the_server() -> None:
    anywhere = Govctl("gov.example:8443", "")
    grpc = anywhere("bootstrap", "grpc", "--node-id", "web-1", "--zone", "z1").json
    assert grpc["xds_servers"][0]["server_uri"] == "gov.example:8443"
    assert grpc["node"]["locality"] == {"zone": "z1"}
    envoy = anywhere("bootstrap", "envoy", "--node-id", "edge", "--listen", "0.0.0.0:10000").json
    assert envoy["node"]["metadata"] == {"governor": {"listen": "0.0.0.0:10000"}}
    assert anywhere("bootstrap", "envoy", "--node-id", "edge", "--listen", "nonsense").code == 2


def test_govctl_runs_without_django() -> None:
    code = "import sys, gateway.cli.main; sys.exit('django' in sys.modules or 'governance.settings' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
