"""The daily check: Paystack's transactions against orders against tokens."""
