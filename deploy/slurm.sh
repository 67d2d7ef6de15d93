#!/bin/bash
# Workers of one study as an array job. `anneal tune FILE --on slurm` fills in the names in double braces and hands
# this to sbatch; the storage's URL comes in the environment.
#SBATCH --job-name={{job}}
#SBATCH --array=1-{{workers}}
#SBATCH --cpus-per-task={{cpus}}
#SBATCH --mem={{memory}}
#SBATCH --time={{time}}
#SBATCH --gpus-per-task={{gpus}}
#SBATCH --partition={{partition}}
#SBATCH --output=anneal-%A-%a.log
# Two minutes before its time is up a worker is told, and begins no other trial.
#SBATCH --signal=B:TERM@120

cd {{directory}} || exit 1
exec {{command}}
