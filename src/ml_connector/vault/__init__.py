"""The secrets: sealed at rest, opened only where a call needs them."""
