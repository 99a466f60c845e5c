"""Every measurement, one after the other: `python -m tests.bench`."""

import subprocess
import sys
from pathlib import Path


def main() -> None:
    """Run each in a process of its own; the first that fails ends it."""
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        subprocess.run([sys.executable, "-m", f"tests.bench.{path.stem}"], check=True)


if __name__ == "__main__":
    main()
