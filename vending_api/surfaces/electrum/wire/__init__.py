"""Their words: every message of the contract and its parts, as they go over the wire."""
