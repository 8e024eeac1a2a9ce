"""The window, for a terminal."""
