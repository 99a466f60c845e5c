"""A small fleet that runs beside Governor: twelve real servers, three real clients, steady traffic."""
