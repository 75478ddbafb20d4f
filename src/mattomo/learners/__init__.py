"""Learners: things that read projections and predict a target."""

from mattomo.learners.base import Learner, Split, Task, Trained, Unit
from mattomo.learners.cgcnn import CGCNN

__all__ = ["CGCNN", "Learner", "Split", "Task", "Trained", "Unit"]
