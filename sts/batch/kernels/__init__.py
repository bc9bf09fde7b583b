"""Compiled loops over columns: ciphers, checksums, digits. Numbers in, numbers out."""
