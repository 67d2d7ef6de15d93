import { request } from 'node:http'
import { ConfigError, RuntimeError } from '../../ir/index.js'

/** Port of Ray's dashboard, which serves the jobs. */
const PORT = 8265
/** Milliseconds for one answer. */
const PATIENCE = 60_000
/** Milliseconds to wait before each further try of what can be asked twice: a head that is busy, or comes up again. */
const WAITS = [500, 1000, 2000, 4000, 8000]

/** A job as Ray tells of it. */
export interface RayJob {
  readonly status: string
  readonly message: string
}

/** Ray's Jobs REST API at an address `ray://host:8265`. */
export interface RayJobs {
  /** Where it is. */
  readonly url: string
  submit(body: string): Promise<void>
  job(id: string): Promise<RayJob>
  /** What a job wrote; Ray's own lines are left out. */
  logs(id: string): Promise<string>
  /** @param patient ask again where no answer comes */
  stop(id: string, patient: boolean): Promise<void>
}

/**
 * The Jobs API of a cluster. A token in RAY_AUTH_TOKEN, as Ray's own programs read it, goes along.
 * @throws ConfigError for an address of another form
 */
export function rayJobs(address: string): RayJobs {
  const match = /^ray:\/\/([^/:@\s]+|\[[0-9a-f:]+\])(:\d+)?\/?$/i.exec(address)
  if (match === null)
    throw new ConfigError({ code: 'bad-option', where: '--on', expected: 'ray://host:8265', received: address })
  const url = `http://${match[1]}${match[2] ?? `:${PORT}`}/api/jobs/`

  const once = async (method: string, path: string, body?: string): Promise<Readonly<Record<string, unknown>>> => {
    const token = process.env.RAY_AUTH_TOKEN
    const headers = {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    }
    const { status, text } = await exchanged(url + path, { method, headers }, body).catch((error: unknown) => {
      throw new RuntimeError({
        code: 'ray-lost',
        where: url,
        expected: "a Ray cluster's dashboard",
        received: error instanceof Error ? error.message || `${'code' in error ? error.code : error.name}` : `${error}`,
        hint: 'the address is that of the dashboard, port 8265, not the one of Ray clients',
        cause: error,
      })
    })
    if (status < 200 || status > 299)
      throw new RuntimeError({
        code: status >= 500 ? 'ray-failed' : 'ray-refused',
        where: `${method} ${url}${path}`,
        expected: 'an answer',
        received: `${status}: ${complaint(text)}`,
        ...(status === 401 || status === 403
          ? { hint: 'put the token of the cluster in RAY_AUTH_TOKEN' }
          : status === 404
            ? { hint: 'a head that was started anew has forgotten its jobs; an older one than Ray 2 has none' }
            : {}),
      })
    try {
      const answer: unknown = JSON.parse(text)
      if (typeof answer === 'object' && answer !== null) return answer as Readonly<Record<string, unknown>>
    } catch {
      // Told of below.
    }
    throw new RuntimeError({
      code: 'ray-answer',
      where: url + path,
      expected: 'JSON of a Ray dashboard',
      received: text.slice(0, 100),
    })
  }
  const patiently = async (
    again: (error: RuntimeError) => boolean,
    ...asked: Parameters<typeof once>
  ): ReturnType<typeof once> => {
    for (const wait of WAITS)
      try {
        return await once(...asked)
      } catch (error) {
        if (!(error instanceof RuntimeError) || !again(error)) throw error
        await new Promise(resolve => setTimeout(resolve, wait))
      }
    return once(...asked)
  }
  const ask = (method: string, path: string) =>
    patiently(({ code }) => code === 'ray-lost' || code === 'ray-failed', method, path)
  return {
    url,
    submit: async body => {
      // A head that has just begun has nobody yet to hand a job to.
      await patiently(
        ({ code, received }) => code === 'ray-failed' && /No available agent/.test(`${received}`),
        'POST',
        '',
        body,
      )
    },
    job: async id => {
      const { status, message } = await ask('GET', id)
      return { status: String(status), message: typeof message === 'string' ? message : '' }
    },
    logs: async id => {
      const { logs } = await ask('GET', `${id}/logs`)
      return typeof logs === 'string' ? logs.replace(RAY_LINES, '') : ''
    },
    stop: async (id, patient) => {
      await (patient ? ask : once)('POST', `${id}/stop`)
    },
  }
}

/** One request. Not by `fetch`, whose headers say that a browser asks: Ray takes no orders from browsers. */
const exchanged = (
  url: string,
  { method, headers }: { method: string; headers: Readonly<Record<string, string>> },
  body: string | undefined,
): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const asking = request(url, { method, headers, signal: AbortSignal.timeout(PATIENCE) }, answer => {
      const parts: string[] = []
      answer.setEncoding('utf8').on('data', (part: string) => parts.push(part))
      answer.once('error', reject)
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, text: parts.join('') }))
    })
    asking.once('error', reject)
    asking.end(body)
  })

/** What Ray itself writes among a job's lines. */
const RAY_LINES = /^(.*job_manager\.py:\d+ -- .*|Running entrypoint for job .*)\n/gm

/** Ray answers with tracebacks, one in the other: what the innermost one ends with. */
function complaint(text: string): string {
  const lines = text.split('\n').map(line => line.trim())
  const errors = lines.filter(line => /^(\w+\.)*\w*(Error|Exception|Timeout)\b.*: /.test(line))
  return (errors.at(-1) ?? lines.findLast(line => /\w/.test(line)) ?? 'nothing').slice(0, 300)
}
