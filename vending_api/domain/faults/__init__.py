"""Fault reports: what points of sale are told about meters that do not work."""
