"""Certificate transparency: what a log promised about a certificate, and whether it kept its word."""
