"""The systems: one folder for each vendor, all alike."""
