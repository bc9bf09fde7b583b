"""Estates: utilities whose residents buy online, and how their payments are split."""
