"""What is generated from the .proto files is what stands beside them."""

import subprocess
import sys
from pathlib import Path

from tests.architecture.tree import ROOT

PROTOS = "gateway/proto"


def test_generated_code_is_current(tmp_path: Path) -> None:
    scripts = Path(sys.executable).parent
    protos = sorted(str(path.relative_to(ROOT)) for path in (ROOT / PROTOS).glob("*.proto"))
    subprocess.run(
        [
            sys.executable,
            "-m",
            "grpc_tools.protoc",
            "-I.",
            f"--plugin=protoc-gen-mypy={scripts}/protoc-gen-mypy",
            f"--plugin=protoc-gen-mypy_grpc={scripts}/protoc-gen-mypy_grpc",
            f"--python_out={tmp_path}",
            f"--grpc_python_out={tmp_path}",
            f"--mypy_out=quiet:{tmp_path}",
            f"--mypy_grpc_out=quiet:{tmp_path}",
            *protos,
        ],
        cwd=ROOT,
        check=True,
    )
    fresh = {path.name: path.read_text() for path in (tmp_path / PROTOS).iterdir()}
    kept = {path.name: path.read_text() for path in (ROOT / PROTOS).glob("*_pb2*.py*") if path.is_file()}
    assert fresh.keys() == kept.keys()
    assert [name for name in fresh if fresh[name] != kept[name]] == []  # run `make proto`
