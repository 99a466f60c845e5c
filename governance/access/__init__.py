"""People, their roles, and tokens for programs."""
