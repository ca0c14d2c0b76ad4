"""The lecture's models: weights set by hand, and baselines without recurrence."""
