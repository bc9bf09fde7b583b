"""Reprints: tokens that were sold before, handed out again and counted."""
