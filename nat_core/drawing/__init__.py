"""Drawings of cells, of their changes, and of transition rules. This package does not import torch."""
