"""What browsers watch over websockets."""
