"""Policies: distributions over transformations, on disk and in the catalogue."""
