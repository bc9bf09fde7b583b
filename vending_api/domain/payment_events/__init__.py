"""What Paystack tells by webhook: each delivery is kept once, and acted on or put aside."""
