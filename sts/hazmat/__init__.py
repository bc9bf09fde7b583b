"""Raw block ciphers. Only `sts.keys` and `sts.tokens` import from here; see README.md."""
