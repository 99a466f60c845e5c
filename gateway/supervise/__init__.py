"""Keeps the processes of `manage.py serve` running: who they are, what they inherit, when all are ready."""
