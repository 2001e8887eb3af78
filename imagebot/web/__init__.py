"""The service seen from outside: health, metrics, the status page, its API, and webhooks."""
