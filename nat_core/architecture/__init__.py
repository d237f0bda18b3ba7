"""Architectures as values: cells, operations, transitions, spaces, notations, drawings. No torch here."""
