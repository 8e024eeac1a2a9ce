"""The machine: orders pure steps and effects, and holds no finance rule."""
