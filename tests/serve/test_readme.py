"""What the README tells a newcomer to type does what it says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import httpx

from tests.fixtures.product import ROOT, running

# These need programs that are not ours, or run until they are stopped.
BEYOND = ("GRPC_XDS_BOOTSTRAP=", "envoy -c", "make ", ".venv/bin/govctl cert watch")


def _commands() -> list[str]:
    """The shell commands of the README's section about real clients."""
    section = (ROOT / "README.md").read_text().partition("## Point a real client at it")[2].partition("\n## ")[0]
    lines = "".join(re.findall(r"```\n(.*?)```", section, re.DOTALL)).replace("\\\n", " ").splitlines()
    return [line for line in lines if line and not line.startswith(BEYOND)]


def test_the_readmes_commands_register_a_service_and_switch_its_balancing(tmp_path: Path) -> None:
    with running(tmp_path / "data", environ={"GOV_GRPC_TLS": "mutual"}) as product:
        script = "set -eu\n" + "\n".join(_commands())
        script = script.replace("http://127.0.0.1:8000", product.url).replace("curl ", "curl -sS --fail ")
        script = script.replace(".venv/bin/", f"{Path(sys.executable).parent}/").replace(
            "manage.py", f"{ROOT}/manage.py"
        )
        script = script.replace("lb switch", "lb switch --yes").replace(
            "token create", "token create --yes"
        )  # nobody is asked
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env={**product.environ, "GOVCTL_SERVER": product.grpc, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        headers = {"authorization": f"Bearer {product.token('viewer')}"}
        found = httpx.get(f"{product.url}/api/v1/services/default/greeter/balancing", headers=headers).json()
        assert product.grpc in json.dumps(json.loads((tmp_path / "bootstrap.json").read_text()))
        assert json.loads((tmp_path / "envoy.json").read_text())["node"]["id"] == "my-envoy"
    assert "least_request" in json.dumps(found)
