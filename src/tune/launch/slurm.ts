import { type Launcher, type LaunchRequest, STORAGE_VARIABLE, shellQuoted, workerCommand } from './launcher.js'
import { runProgram } from './program.js'
import { fillTemplate, jobName, type Place, templateText } from './template.js'

/** Workers as an array job of Slurm: deploy/slurm.sh through sbatch. */
export function slurm(place: Place): Launcher {
  const script = async (request: LaunchRequest) =>
    fillTemplate(
      await templateText('slurm.sh', place.template),
      {
        job: jobName(request.study),
        workers: request.workers,
        cpus: place.cpus,
        memory: place.memory ?? '2G',
        time: place.time,
        gpus: place.gpus === 0 ? undefined : place.gpus,
        partition: place.partition,
        directory: shellQuoted(request.directory),
        command: workerCommand(request),
      },
      place.template ?? 'deploy/slurm.sh',
    )
  return {
    name: 'slurm',
    plan: async request => [{ name: 'slurm.sh', text: await script(request) }],
    start: async request => {
      const answer = await runProgram('sbatch', ['--parsable', `--export=ALL,${STORAGE_VARIABLE}`], {
        input: await script(request),
        env: { [STORAGE_VARIABLE]: request.storage },
      })
      const [id = ''] = answer.trim().split(';')
      return {
        id: `Slurm job ${id}`,
        state: async () => {
          // Jobs that ended a while ago are no longer listed.
          const list = await runProgram('squeue', [
            '--noheader',
            '--array',
            '--states=all',
            `--jobs=${id}`,
            '--format=%T',
          ]).catch(() => '')
          const states = list
            .split('\n')
            .map(line => line.trim())
            .filter(Boolean)
          const count = (pattern: RegExp) => states.filter(state => pattern.test(state)).length
          const pending = count(/^(PENDING|CONFIGURING|REQUEUED|REQUEUE_HOLD|RESV_DEL_HOLD|SUSPENDED|STOPPED)$/)
          const running = count(/^(RUNNING|COMPLETING|SIGNALING|STAGE_OUT|RESIZING)$/)
          const failed = count(/^(FAILED|NODE_FAIL|OUT_OF_MEMORY|BOOT_FAIL|DEADLINE|TIMEOUT)$/)
          return { pending, running, succeeded: request.workers - pending - running - failed, failed }
        },
        stop: async () => {
          await runProgram('scancel', ['--state=PENDING', id])
          await runProgram('scancel', ['--signal=TERM', '--batch', id])
        },
        kill: async () => {
          await runProgram('scancel', [id])
        },
        logs: async () => `anneal-${id}-*.log in ${request.directory}`,
      }
    },
  }
}
