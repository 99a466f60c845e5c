"""`python -m tests.pki.ct.reads_logs`: another process that reads all logs once."""

import django

if __name__ == "__main__":
    django.setup()
    from governance.pki.ct.tasks import read_logs

    read_logs()
