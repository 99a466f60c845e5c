"""The servicers of the admin API."""
