"""Pictures of cells, of what changed in them, and of transition rules; no torch."""
