"""The point-of-sale interface: Electrum prepaid utility, version 3."""
