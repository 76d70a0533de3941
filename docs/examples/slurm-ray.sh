#!/bin/bash
# A Ray cluster within one Slurm job: a head and a worker on every other node, then pytest on the head.
#SBATCH --job-name=collab
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=04:00:00
set -eu
source .venv/bin/activate
nodes=($(scontrol show hostnames "$SLURM_JOB_NODELIST"))
head=${nodes[0]}
address=$(srun --nodes=1 --ntasks=1 -w "$head" hostname --ip-address | awk '{print $1}')
export RAY_ADDRESS="$address:6379"

srun --nodes=1 --ntasks=1 --overlap -w "$head" \
  ray start --head --node-ip-address="$address" --port=6379 --num-cpus=0 --block &
sleep 15
for node in "${nodes[@]:1}"; do
  srun --nodes=1 --ntasks=1 --overlap -w "$node" \
    ray start --address="$RAY_ADDRESS" --num-cpus="$SLURM_CPUS_PER_TASK" --block &
done
sleep 15

srun --nodes=1 --ntasks=1 --overlap -w "$head" --export=ALL \
  pytest tasks --agents=claude,gpt --collab-executor=ray --collab-in-flight=400 \
  --collab-run-dir=runs/nightly --collab-resume
