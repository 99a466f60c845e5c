"""How calls are balanced over the endpoints of a service."""
