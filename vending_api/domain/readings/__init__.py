"""Readings of meters from afar: what may be read, and the tasks to read it."""
