import { ConfigError, RuntimeError } from '../../ir/index.js'
import { withoutPassword } from '../storage/url.js'
import { type Fleet, type Launcher, type LaunchRequest, shellQuoted, workerCommand } from './launcher.js'
import { fillTemplate, jobName, type Place, templateText } from './template.js'

/** Port of Ray's dashboard, which serves the jobs. */
const PORT = 8265

/**
 * Workers as jobs of a Ray cluster, one each, through its Jobs REST API (`ray://host:8265`, the address of its dashboard):
 * what deploy/ray-runtime.json describes.
 * @throws ConfigError for an address of another form
 */
export function ray(address: string, place: Place): Launcher {
  const match = /^ray:\/\/([^/:@\s]+|\[[0-9a-f:]+\])(:\d+)?\/?$/i.exec(address)
  if (match === null)
    throw new ConfigError({ code: 'bad-option', where: '--on', expected: 'ray://host:8265', received: address })
  const base = `http://${match[1]}${match[2] ?? `:${PORT}`}/api/jobs/`
  const call = async (method: string, path: string, body?: string): Promise<unknown> => {
    let response: Response
    try {
      response = await fetch(base + path, {
        method,
        signal: AbortSignal.timeout(30_000),
        ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
      })
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
      throw new RuntimeError({
        code: 'ray-lost',
        where: base,
        expected: "a Ray cluster's dashboard",
        received: cause,
        hint: 'the address is that of the dashboard, port 8265, not the one of Ray clients',
        cause: error,
      })
    }
    const text = await response.text()
    if (!response.ok)
      throw new RuntimeError({
        code: 'ray-refused',
        where: `${method} ${base}${path}`,
        expected: 'an answer',
        received: `${response.status}: ${text.trim().split('\n').at(-1)?.slice(0, 300)}`,
      })
    try {
      return JSON.parse(text)
    } catch {
      throw new RuntimeError({ code: 'ray-answer', where: base + path, expected: 'JSON', received: text.slice(0, 100) })
    }
  }
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
      return [{ name: `POST ${base}, ${request.workers} times, each with an id of its own`, text }]
    },
    start: async request => {
      const jobs = ids(request)
      const started: string[] = []
      const each = async (work: (id: string) => Promise<unknown>) => {
        const results = await Promise.allSettled(started.map(work))
        for (const result of results) if (result.status === 'rejected') throw result.reason
      }
      const end = () => each(id => call('POST', `${id}/stop`))
      const statusOf = async (id: string): Promise<string> => {
        const answer = await call('GET', id)
        return typeof answer === 'object' && answer !== null && 'status' in answer ? String(answer.status) : 'UNKNOWN'
      }
      const fleet: Fleet = {
        id: `Ray jobs ${jobs[0]}${jobs.length > 1 ? ` … ${jobs.at(-1)}` : ''}`,
        state: async () => {
          const states = await Promise.all(started.map(statusOf))
          const count = (...names: string[]) => states.filter(state => names.includes(state)).length
          return {
            pending: count('PENDING'),
            running: count('RUNNING'),
            succeeded: count('SUCCEEDED', 'STOPPED'),
            failed: count('FAILED', 'UNKNOWN'),
          }
        },
        stop: end,
        kill: end,
        logs: async () => {
          const texts: string[] = []
          for (const id of started)
            if ((await statusOf(id)) === 'FAILED') {
              const answer = await call('GET', `${id}/logs`)
              const logs = typeof answer === 'object' && answer !== null && 'logs' in answer ? String(answer.logs) : ''
              texts.push(`${id}:`, ...logs.trim().split('\n').slice(-20))
            }
          return texts.join('\n')
        },
      }
      try {
        for (const id of jobs) {
          await call('POST', '', await body(request, id))
          started.push(id)
        }
      } catch (error) {
        // All or none.
        await end().catch(() => {})
        throw error
      }
      return fleet
    },
  }
}
