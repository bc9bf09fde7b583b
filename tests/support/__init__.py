"""What tests of every package share: a real PostgreSQL."""
