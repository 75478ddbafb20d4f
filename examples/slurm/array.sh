#!/bin/bash
#SBATCH --job-name=mattomo
#SBATCH --array=1-8
#SBATCH --cpus-per-task=16
#SBATCH --mem-per-cpu=4G
#SBATCH --time=12:00:00
#SBATCH --requeue
# One shard a task, all in one folder. Again for those that did not end: sbatch --array=3,5 array.sh
exec srun --cpus-per-task="$SLURM_CPUS_PER_TASK" \
    mattomo run study.toml --out study --quiet \
    --shard "$SLURM_ARRAY_TASK_ID/${SHARDS:-8}" --workers "$SLURM_CPUS_PER_TASK"
