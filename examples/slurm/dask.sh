#!/bin/bash
#SBATCH --job-name=mattomo
#SBATCH --ntasks=33
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=4G
#SBATCH --time=12:00:00
#SBATCH --requeue
# One task for the scheduler and the run; each of the others is a worker.
file=$PWD/scheduler-$SLURM_JOB_ID.json
rm -f "$file" # of this job before it was requeued
dask scheduler --scheduler-file "$file" --port 0 --no-dashboard &
scheduler=$!
# A worker that is lost does not end the others.
srun --ntasks=$((SLURM_NTASKS - 1)) --cpus-per-task="$SLURM_CPUS_PER_TASK" --kill-on-bad-exit=0 --wait=0 \
    dask worker --scheduler-file "$file" --nthreads 1 --memory-limit 0 --no-dashboard \
    --local-directory "${TMPDIR:-/tmp}" &
workers=$!
until [ -s "$file" ]; do
    kill -0 "$scheduler" || exit 1
    sleep 1
done
address=$(python -c 'import json, sys; print(json.load(open(sys.argv[1]))["address"])' "$file")
trap : TERM # at a time limit, wait for the run to end cleanly
mattomo run study.toml --out study --quiet --dask "$address"
code=$?
kill "$scheduler" "$workers" 2>/dev/null
wait
rm -f "$file"
exit "$code"
