"""Accuracy sources: shared weights, and models fitted on measured accuracies."""
