"""CGCNN on weighted graphs: model, batches, compiled steps, training."""

from mattomo.learners.cgcnn.train import CGCNN

__all__ = ["CGCNN"]
