"""Architectures as values: cells, operations, transitions, spaces, notations. No torch here."""
