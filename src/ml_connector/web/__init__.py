"""The window: webhooks, pages and the interface for programs."""
