"""The messages and services of the admin API: the .proto files and what protoc makes of them."""
