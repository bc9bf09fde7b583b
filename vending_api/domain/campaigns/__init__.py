"""Campaigns: the same for many meters at once, ordered by one person and approved by another."""
