"""What the service decides and remembers, one folder a feature, without a word of HTTP."""
