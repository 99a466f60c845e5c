"""Becomes another program that ends with its parent: `python -m gateway.demo.tied <our pid> <program> ...`."""

import os
import sys

from gateway.supervise.entry import die_with

if __name__ == "__main__":
    die_with(int(sys.argv[1]))  # what the kernel promised outlives the exec
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606  (the fleet names the program)
