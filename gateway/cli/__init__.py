"""govctl, the command line of the admin API; it needs neither Django nor the databases."""

import os

# What cannot be reached is told in one line of ours; gRPC, which reads this when it is imported, would add its own.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
