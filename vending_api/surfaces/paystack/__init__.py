"""What Paystack and paying customers call: the webhook, and the page after a payment."""
