"""Revisions of the inbox."""
