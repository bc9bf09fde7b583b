"""Selling: the operations that make sales, each under an id that is claimed first."""
