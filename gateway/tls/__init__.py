"""Mutual TLS that changes while it serves: key pairs, how they are delivered, and who is at the other end."""
