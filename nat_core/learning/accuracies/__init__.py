"""Where accuracies come from: shared weights, models of measurements; each an accuracy source."""
