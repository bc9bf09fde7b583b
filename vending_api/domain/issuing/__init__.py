"""Tokens: their identifiers, their making behind the security module, and their record."""
