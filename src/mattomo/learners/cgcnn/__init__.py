"""CGCNN on weighted graphs: model, batches, compiled steps, training."""

from mattomo.learners.cgcnn.native import status as kernel_status
from mattomo.learners.cgcnn.train import CGCNN

__all__ = ["CGCNN", "kernel_status"]
