"""Custody of keys: the security module in a process of its own, and who asks it."""
