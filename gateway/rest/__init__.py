"""The JSON twins of the admin API."""
