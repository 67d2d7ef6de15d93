import { ConfigError } from '../../ir/index.js'
import { withoutPassword } from '../storage/url.js'
import { type Launcher, type LaunchRequest, workerCommand } from './launcher.js'
import { runProgram } from './program.js'
import { fillTemplate, jobName, type Place, templateText } from './template.js'

/** JSON is YAML: a string with nothing in it that could be taken for something else. */
const quoted = (text: string | number): string => JSON.stringify(`${text}`)

/** Workers as an indexed Job: deploy/kubernetes-job.yaml through kubectl. */
export function kubernetes(place: Place): Launcher {
  const { image } = place
  if (image === undefined)
    throw new ConfigError({
      code: 'missing-option',
      where: '--image',
      expected: 'the image that holds the experiment',
      received: 'none',
    })
  const where = place.namespace === undefined ? [] : ['--namespace', place.namespace]
  const manifest = async (request: LaunchRequest, job: string) =>
    fillTemplate(
      await templateText('kubernetes-job.yaml', place.template),
      {
        job,
        label: quoted(job.slice('anneal-'.length)),
        workers: request.workers,
        cpus: quoted(place.cpus),
        memory: quoted(place.memory ?? '2Gi'),
        gpuResource: 'nvidia.com/gpu',
        gpus: place.gpus,
        image: quoted(image),
        directory: quoted(request.directory),
        command: quoted(`exec ${workerCommand(request)}`),
        storage: quoted(request.storage),
      },
      place.template ?? 'deploy/kubernetes-job.yaml',
    )
  return {
    name: 'kubernetes',
    plan: async request => [
      {
        name: 'kubernetes-job.yaml',
        text: await manifest({ ...request, storage: withoutPassword(request.storage) }, jobName(request.study)),
      },
    ],
    start: async request => {
      const job = jobName(request.study)
      await runProgram('kubectl', ['apply', ...where, '-f', '-'], { input: await manifest(request, job) })
      const remove = async (...how: string[]) => {
        await runProgram('kubectl', [
          'delete',
          'job,secret',
          job,
          ...where,
          '--ignore-not-found',
          '--wait=false',
          ...how,
        ])
      }
      return {
        id: `Kubernetes Job ${job}`,
        state: async () => {
          const text = await runProgram('kubectl', ['get', 'job', job, ...where, '--ignore-not-found', '-o', 'json'])
          // Deleted: by stop, or when its time after the end was over.
          if (text.trim() === '') return { pending: 0, running: 0, succeeded: request.workers, failed: 0 }
          const { status = {} } = JSON.parse(text) as { status?: JobStatus } // the Job as Kubernetes describes it
          const { active = 0, ready = 0, succeeded = 0, conditions = [] } = status
          const failed = indexCount(status.failedIndexes ?? '')
          const over = conditions.some(c => c.status === 'True' && (c.type === 'Complete' || c.type === 'Failed'))
          const open = over ? 0 : Math.max(request.workers - succeeded - failed, active)
          const running = Math.min(ready, open)
          return { pending: open - running, running, succeeded, failed: over ? request.workers - succeeded : failed }
        },
        stop: () => remove(),
        kill: () => remove('--grace-period=1'),
        logs: () =>
          runProgram('kubectl', ['logs', ...where, `--selector=job-name=${job}`, '--prefix', '--tail=20']).catch(
            () => '',
          ),
      }
    },
  }
}

interface JobStatus {
  active?: number
  ready?: number
  succeeded?: number
  /** As `1,3-5`. */
  failedIndexes?: string
  conditions?: readonly { type: string; status: string }[]
}

const indexCount = (ranges: string): number =>
  ranges
    .split(',')
    .filter(Boolean)
    .reduce((sum, range) => {
      const [from, to = from] = range.split('-').map(Number)
      return sum + to! - from! + 1
    }, 0)
