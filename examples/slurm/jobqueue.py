"""Each worker is a Slurm job of its own; the run itself is here, on a login node, say.

python jobqueue.py [WORKERS]
"""

import sys

from dask_jobqueue import SLURMCluster

from mattomo import Study
from mattomo.study.cluster import dask_workers


def main() -> int:
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else 32
    study = Study.from_file("study.toml")
    with SLURMCluster(cores=1, processes=1, memory="4GB", walltime="12:00:00") as cluster:
        # Unlike `scale`, this submits a new job for one that ended.
        cluster.adapt(minimum_jobs=workers, maximum_jobs=workers)
        # The first job may wait in the queue for a day.
        with dask_workers(cluster.scheduler_address, patience=86400) as (executor, slots):
            results = study.run("study", executor=executor, slots=slots)
    print(results.report())
    return 3 if results.run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
