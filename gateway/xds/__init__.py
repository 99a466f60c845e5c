"""The xDS server."""
