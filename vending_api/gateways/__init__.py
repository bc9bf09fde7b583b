"""Calls that we make: Paystack, e-mail, SMS; each offers what a Protocol of the domain asks."""
