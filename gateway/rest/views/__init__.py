"""The addresses of the REST API: translate, call once, translate."""
