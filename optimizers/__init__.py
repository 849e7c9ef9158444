"""Metrics for prompt optimizers."""

from openrubrics.optimizers.metrics import as_example, label_accuracy, label_feedback

__all__ = ["as_example", "label_accuracy", "label_feedback"]
