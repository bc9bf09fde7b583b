"""What operators watch: metrics, health, and one line for each request that failed."""
