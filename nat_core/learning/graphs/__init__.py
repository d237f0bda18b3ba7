"""Architectures as graphs, and networks that read them."""
