"""The calls stream: what was asked at every door, refused or not."""
