"""Training architectures from scratch, and the table of what came out."""
