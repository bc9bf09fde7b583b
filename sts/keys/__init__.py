"""Vending keys, decoder keys and what moves a meter from one to the next."""
