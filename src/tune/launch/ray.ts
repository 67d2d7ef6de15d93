import { withoutPassword } from '../storage/url.js'
import { type Fleet, type Launcher, type LaunchRequest, shellQuoted, workerCommand } from './launcher.js'
import { rayJobs } from './ray-jobs.js'
import { fillTemplate, jobName, type Place, templateText } from './template.js'

/** Milliseconds after which a job that was told to end before it began is taken for ended: Ray still lists it as PENDING. */
const UNBORN = 10_000

/**
 * Workers as jobs of a Ray cluster, one each, through its Jobs REST API (`ray://host:8265`, the address of its dashboard):
 * what deploy/ray-runtime.json describes.
 * @throws ConfigError for an address of another form
 */
export function ray(address: string, place: Place): Launcher {
  const api = rayJobs(address)
  const body = async (request: LaunchRequest, id: string) =>
    fillTemplate(
      await templateText('ray-runtime.json', place.template),
      {
        entrypoint: JSON.stringify(`cd ${shellQuoted(request.directory)} && exec ${workerCommand(request)}`),
        id: JSON.stringify(id),
        cpus: place.cpus,
        gpus: place.gpus,
        storage: JSON.stringify(request.storage),
        study: JSON.stringify(request.study),
      },
      place.template ?? 'deploy/ray-runtime.json',
    )
  const ids = (request: LaunchRequest) => {
    const job = jobName(request.study)
    return Array.from({ length: request.workers }, (_, i) => `${job}-${i + 1}`)
  }
  return {
    name: 'ray',
    plan: async request => {
      const [id] = ids(request)
      const text = await body({ ...request, storage: withoutPassword(request.storage) }, id!)
      return [{ name: `POST ${api.url}, ${request.workers} times, each with an id of its own`, text }]
    },
    start: async request => {
      const jobs = ids(request)
      const started: string[] = []
      let told = Infinity
      let killed = false
      const end = async (patient: boolean) => {
        told = Math.min(told, performance.now())
        const results = await Promise.allSettled(started.map(id => api.stop(id, patient)))
        for (const result of results) if (result.status === 'rejected') throw result.reason
      }
      const fleet: Fleet = {
        id: `Ray jobs ${jobs[0]}${jobs.length > 1 ? ` … ${jobs.at(-1)}` : ''}`,
        state: async () => {
          const states = (await Promise.all(started.map(api.job))).map(job => job.status)
          const count = (...names: string[]) => states.filter(state => names.includes(state)).length
          const [pending, running] = [count('PENDING'), count('RUNNING')]
          // What was told to end and waits for a place ends as soon as it gets one; what Ray is to kill, it kills.
          const unborn = performance.now() - told > UNBORN ? pending : 0
          const gone = killed ? pending + running : unborn
          return {
            pending: killed ? 0 : pending - unborn,
            running: killed ? 0 : running,
            succeeded: count('SUCCEEDED', 'STOPPED') + gone,
            failed: states.length - pending - running - count('SUCCEEDED', 'STOPPED'),
          }
        },
        stop: () => end(true),
        // Ray kills what was told to end when its time is over, and takes no other order.
        kill: async () => {
          await end(true)
          killed = true
        },
        logs: async () => {
          const texts: string[] = []
          for (const id of started) {
            const { status, message } = await api.job(id)
            if (status !== 'FAILED') continue
            const logs = (await api.logs(id).catch(() => '')).trim()
            // A job that never began has nothing but Ray's reason.
            texts.push(`${id}:`, ...(logs === '' ? message : logs).trim().split('\n').slice(-20))
          }
          return texts.join('\n')
        },
      }
      try {
        for (const id of jobs) {
          const text = await body(request, id)
          // Also where no answer comes Ray may have taken it.
          started.push(id)
          await api.submit(text)
        }
      } catch (error) {
        // All or none.
        await end(false).catch(() => {})
        throw error
      }
      return fleet
    },
  }
}
