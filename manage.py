#!/usr/bin/env python3
"""Django's entry; `manage.py serve` runs everything."""

import os
import sys


def main() -> None:
    """Run a management command; a bad environment is a sentence, not a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    from django.core.management import execute_from_command_line

    from governance.environment import BadEnvironment

    try:
        execute_from_command_line(sys.argv)
    except BadEnvironment as error:
        sys.exit(f"governor: {error}")


if __name__ == "__main__":
    main()
