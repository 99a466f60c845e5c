"""What the answers hold, as OpenAPI describes it and as the views render it."""
