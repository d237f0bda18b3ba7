"""Architectures as values: cells, operations, transitions, spaces, notations. This package does not import torch."""
