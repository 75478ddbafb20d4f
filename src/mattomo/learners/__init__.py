"""Learners: things that read projections and predict a target."""

from typing import TYPE_CHECKING, Any

from mattomo.learners.base import Learner, Split, Task, Trained, Unit
from mattomo.learners.estimator import Estimator, sklearn
from mattomo.learners.trees import Trees

if TYPE_CHECKING:
    from mattomo.learners.cgcnn import CGCNN

__all__ = ["CGCNN", "Estimator", "Learner", "Split", "Task", "Trained", "Trees", "Unit", "sklearn"]


def __getattr__(name: str) -> Any:
    # The network needs JAX, which trees should not wait for.
    if name == "CGCNN":
        from mattomo.learners.cgcnn import CGCNN

        return CGCNN
    raise AttributeError(f"module 'mattomo.learners' has no attribute {name!r}")
