#!/bin/bash
# Eight shards of a run as an array of jobs; the folder is on a file system that all nodes have.
# A job that is requeued goes on with its shard. Afterwards: collab merge --out runs/whole runs/shard-*
#SBATCH --job-name=collab
#SBATCH --array=1-8
#SBATCH --requeue
#SBATCH --cpus-per-task=2
#SBATCH --mem=4G
#SBATCH --time=04:00:00
set -u
source .venv/bin/activate
pytest tasks --agents=claude,gpt --collab-in-flight=32 --collab-max-cost=5 \
  --collab-shard="$SLURM_ARRAY_TASK_ID/8" \
  --collab-run-dir="runs/shard-$SLURM_ARRAY_TASK_ID" --collab-resume
status=$?
[ "$status" -eq 1 ] && status=0 # some episodes failed: that is a result
exit "$status"
