"""Architectures as torch modules, and what they cost."""
