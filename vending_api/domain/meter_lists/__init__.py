"""Meter lists: meters by the thousand, compared with the register and entered."""
