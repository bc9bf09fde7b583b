"""Encode and decode every class of STS token."""
