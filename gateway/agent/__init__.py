"""Keeps a program's certificates fresh: joins, renews, and follows what the control plane delivers; no Django."""
