"""Orders that are paid online: placed, paid, vended once, or refunded."""
