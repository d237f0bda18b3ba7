"""Training a policy and shared weights from images."""
