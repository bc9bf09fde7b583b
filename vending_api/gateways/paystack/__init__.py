"""Calls of Paystack: announce, verify, refund and list payments."""
