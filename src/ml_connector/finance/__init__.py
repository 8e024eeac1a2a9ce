"""The language: pure finance values, standard library only. They cannot be built invalid."""
