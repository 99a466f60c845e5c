"""Certificates: who may be issued one, how long it lives, and what is true of a chain."""
