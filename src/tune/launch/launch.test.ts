import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type LaunchRequest, launcherFor } from './index.js'

const request: LaunchRequest = {
  study: 'Digits & more',
  storage: 'postgresql://u:s3cr3t@db/x',
  file: 'my study.ts',
  workers: 3,
  options: ['--sampler', '{"name":"tpe"}'],
  directory: '/home/me/a project',
  command: 'node_modules/.bin/anneal',
}
const place = { cpus: 2, gpus: 0, time: '2:00:00' }
const WORKER = `node_modules/.bin/anneal worker 'my study.ts' --name 'Digits & more' --sampler '{"name":"tpe"}'`

/** Programs on the PATH that keep what they are called with, and answer with what a file says. */
describe.skipIf(process.platform === 'win32')('schedulers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'anneal-launch-'))
  const path = process.env.PATH
  beforeAll(() => {
    for (const name of ['sbatch', 'squeue', 'scancel', 'kubectl']) {
      writeFileSync(
        join(folder, name),
        `#!/bin/sh\necho "$0 $* [$ANNEAL_STORAGE]" >> ${folder}/calls\ncase "$*" in *"-f -"|--parsable*) cat > ${folder}/input;; esac\ncat ${folder}/answer\n`,
      )
      chmodSync(join(folder, name), 0o755)
    }
    process.env.PATH = `${folder}${delimiter}${path}`
  })
  afterAll(() => {
    process.env.PATH = path
    rmSync(folder, { recursive: true })
  })
  beforeEach(() => {
    for (const name of ['calls', 'input', 'answer']) writeFileSync(join(folder, name), '')
  })
  const answer = (text: string) => writeFileSync(join(folder, 'answer'), text)
  const called = () => readFileSync(join(folder, 'calls'), 'utf8').replaceAll(`${folder}/`, '').trim().split('\n')

  test('Slurm gets an array job, the storage in its environment alone', async () => {
    answer('4711;cluster\n')
    const fleet = await launcherFor('slurm', place).start(request)
    expect(called()).toEqual(['sbatch --parsable --export=ALL,ANNEAL_STORAGE [postgresql://u:s3cr3t@db/x]'])
    const script = readFileSync(join(folder, 'input'), 'utf8')
    expect(script).toContain(
      `#SBATCH --array=1-3\n#SBATCH --cpus-per-task=2\n#SBATCH --mem=2G\n#SBATCH --time=2:00:00\n`,
    )
    expect(script).toContain(`cd '/home/me/a project' || exit 1\nexec ${WORKER}\n`)
    expect(script).not.toMatch(/s3cr3t|gpus|partition|\{\{/)
    answer('PENDING\nRUNNING\nFAILED\n')
    expect(await fleet.state()).toEqual({ pending: 1, running: 1, succeeded: 0, failed: 1 })
    answer('')
    expect(await fleet.state()).toEqual({ pending: 0, running: 0, succeeded: 3, failed: 0 })
    await fleet.stop()
    expect(called().slice(-2)).toEqual([
      expect.stringMatching(/^scancel --state=PENDING 4711/),
      expect.stringMatching(/^scancel --signal=TERM --batch 4711/),
    ])
  })

  test('Kubernetes gets an indexed Job and a Secret', async () => {
    const kubernetes = launcherFor('kubernetes', { ...place, image: 'registry/me:1', namespace: 'lab' })
    const [plan] = await kubernetes.plan(request)
    expect(plan!.text).not.toContain('s3cr3t')
    const fleet = await kubernetes.start(request)
    expect(called()[0]).toMatch(/^kubectl apply --namespace lab -f - /)
    const manifest = readFileSync(join(folder, 'input'), 'utf8')
    const job = fleet.id.split(' ').at(-1)!
    expect(job).toMatch(/^anneal-digits-more-[0-9a-f]{6}$/)
    expect(manifest).toContain(`storage: "postgresql://u:s3cr3t@db/x"`)
    expect(manifest).toContain(`completions: 3\n  parallelism: 3\n`)
    expect(manifest).toContain(`command: ["/bin/sh", "-c", ${JSON.stringify(`exec ${WORKER}`)}]`)
    expect(manifest).not.toContain('{{')
    answer('{"status":{"active":2,"ready":1,"succeeded":1}}')
    expect(await fleet.state()).toEqual({ pending: 1, running: 1, succeeded: 1, failed: 0 })
    answer('{"status":{"succeeded":1,"failedIndexes":"0-1","conditions":[{"type":"Failed","status":"True"}]}}')
    expect(await fleet.state()).toEqual({ pending: 0, running: 0, succeeded: 1, failed: 2 })
    await fleet.stop()
    expect(called().at(-1)).toMatch(`kubectl delete job,secret ${job} --namespace lab --ignore-not-found --wait=false`)
  })

  test('a template of one’s own is filled; a name that is none is refused', async () => {
    const own = join(folder, 'own.sh')
    writeFileSync(own, 'run {{workers}} of {{command}}\n#SBATCH -p {{partition}}\n')
    const [plan] = await launcherFor('slurm', { ...place, template: own }).plan(request)
    expect(plan!.text).toBe(`run 3 of ${WORKER}\n`)
    writeFileSync(own, 'run\n{{wokers}}')
    await expect(launcherFor('slurm', { ...place, template: own }).plan(request)).rejects.toMatchObject({
      code: 'unknown-placeholder',
      where: `${own}, line 2`,
    })
  })

  test('says which program is missing, or what it refused', async () => {
    process.env.PATH = ''
    await expect(launcherFor('slurm', place).start(request)).rejects.toMatchObject({ code: 'no-program' })
    process.env.PATH = `${folder}${delimiter}${path}`
    writeFileSync(join(folder, 'sbatch'), '#!/bin/sh\necho no such partition >&2\nexit 1\n')
    await expect(launcherFor('slurm', place).start(request)).rejects.toMatchObject({
      code: 'program-failed',
      received: '1: no such partition',
    })
  })
})

describe('Ray', () => {
  /** Answers as Ray's Jobs REST API does: beside tracebacks in text, JSON. */
  const jobs = new Map<string, { entrypoint: string; env: Record<string, string>; status: string; message: string }>()
  let server: Server
  let refusal = ''
  let busy = 0
  let authorization: string | undefined
  beforeAll(async () => {
    server = createServer(async (incoming, outgoing) => {
      let text = ''
      for await (const chunk of incoming) text += chunk
      authorization = incoming.headers.authorization
      const [id, action] = incoming.url!.replace('/api/jobs/', '').split('/')
      const job = jobs.get(id!)
      const send = (status: number, value: unknown) => {
        if (typeof value === 'string') outgoing.writeHead(status, { 'content-type': 'text/plain' }).end(value)
        else outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
      }
      if (incoming.method !== 'GET' && Object.keys(incoming.headers).some(name => /^sec-fetch|^origin$/.test(name)))
        return send(405, `'${incoming.method}' method not allowed for browser traffic.`)
      if (busy > 0) {
        busy--
        return send(500, 'No available agent to submit job, please try again later.')
      }
      if (incoming.method === 'POST' && id === '') {
        const { entrypoint, submission_id: name, runtime_env: runtime } = JSON.parse(text)
        if (refusal !== '' && jobs.size > 0) return send(500, refusal)
        jobs.set(name, { entrypoint, env: runtime.env_vars, status: 'PENDING', message: 'Job has not started yet.' })
        return send(200, { job_id: name, submission_id: name })
      }
      if (job === undefined) return send(404, `Job ${id} does not exist`)
      if (action === 'stop') {
        // One that waits for a place goes on waiting, and ends when it gets it; one that has ended stays what it is.
        const stopped = job.status === 'RUNNING' || job.status === 'PENDING'
        if (job.status === 'RUNNING') job.status = 'STOPPED'
        return send(200, { stopped })
      }
      if (action === 'logs')
        return send(200, {
          logs: job.message.startsWith('Job supervisor')
            ? ''
            : `2026-01-01 00:00:00,001\tINFO job_manager.py:583 -- Runtime env is setting up.\nlog of ${id}\nRunning entrypoint for job ${id}: ${job.entrypoint}\nboom\n`,
        })
      const { status, message } = job
      return send(200, { type: 'SUBMISSION', job_id: null, submission_id: id, status, message, error_type: null })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => server.close())
  afterEach(() => {
    jobs.clear()
    refusal = ''
    busy = 0
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
  })
  const at = () => `ray://127.0.0.1:${(server.address() as AddressInfo).port}`

  test('gets a job for each worker, tells how they stand, and ends them', async () => {
    const fleet = await launcherFor(at(), place).start(request)
    const all = [...jobs.values()]
    expect(all).toHaveLength(3)
    expect(all[0]).toMatchObject({
      entrypoint: `cd '/home/me/a project' && exec ${WORKER}`,
      // Ray gives so long to a worker that is to end its trial.
      env: { ANNEAL_STORAGE: request.storage, RAY_JOB_STOP_WAIT_TIME_S: '120' },
      status: 'PENDING',
    })
    for (const job of all) job.status = 'RUNNING'
    all[1]!.status = 'FAILED'
    expect(await fleet.state()).toEqual({ pending: 0, running: 2, succeeded: 0, failed: 1 })
    expect(await fleet.logs()).toMatch(/^anneal-digits-more-\w+-2:\nlog of anneal-digits-more-\w+-2\nboom$/)
    await fleet.stop()
    expect(await fleet.state()).toEqual({ pending: 0, running: 0, succeeded: 2, failed: 1 })
  })

  test('lists as pending what was told to end before it got a place: that has ended after a while', async () => {
    const fleet = await launcherFor(at(), place).start(request)
    await fleet.stop()
    expect(await fleet.state()).toEqual({ pending: 3, running: 0, succeeded: 0, failed: 0 })
    const now = performance.now()
    vi.spyOn(performance, 'now').mockReturnValue(now + 11_000)
    expect(await fleet.state()).toEqual({ pending: 0, running: 0, succeeded: 3, failed: 0 })
  })

  test('kills by itself what was told to end: nobody waits for that', async () => {
    const fleet = await launcherFor(at(), place).start(request)
    await fleet.kill()
    for (const job of jobs.values()) job.status = 'RUNNING'
    expect(await fleet.state()).toEqual({ pending: 0, running: 0, succeeded: 3, failed: 0 })
  })

  test('says why a job never began', async () => {
    const fleet = await launcherFor(at(), { ...place }).start({ ...request, workers: 1 })
    const [job] = jobs.values()
    Object.assign(job!, { status: 'FAILED', message: 'Job supervisor actor failed to start within 900 seconds.' })
    expect(await fleet.state()).toMatchObject({ failed: 1 })
    expect(await fleet.logs()).toMatch(/-1:\nJob supervisor actor failed to start within 900 seconds\.$/)
  })

  test('ends what it has begun where it cannot begin all, with the innermost of its complaints', async () => {
    const inner = 'ValueError: Job with submission_id a already exists. Please use a different submission_id.'
    refusal = `Traceback (most recent call last):\n  File "x.py", line 1, in submit_job\nRuntimeError: Request failed with status code 400: Traceback (most recent call last):\n  File "y.py"\n${inner}\n.\n`
    const start = launcherFor(at(), place).start(request)
    // The first one is there when the second is refused.
    await expect(start).rejects.toMatchObject({ code: 'ray-failed', received: `500: ${inner}` })
    expect(jobs.size).toBe(1)
  })

  test('is asked again where its head has just begun; what it no longer knows is told of', async () => {
    busy = 1
    const fleet = await launcherFor(at(), place).start({ ...request, workers: 1 })
    busy = 1
    expect(await fleet.state()).toMatchObject({ pending: 1 })
    jobs.clear()
    await expect(fleet.state()).rejects.toMatchObject({
      code: 'ray-refused',
      received: expect.stringMatching(/^404: Job .* does not exist$/),
    })
  })

  test('gets the token of RAY_AUTH_TOKEN', async () => {
    vi.stubEnv('RAY_AUTH_TOKEN', 'secret')
    await launcherFor(at(), place).start(request)
    expect(authorization).toBe('Bearer secret')
  })

  test('says that nobody is there, and shows no password in what it would send', async () => {
    await expect(launcherFor('ray://127.0.0.1:1', place).start(request)).rejects.toMatchObject({ code: 'ray-lost' })
    const [plan] = await launcherFor('ray://head', place).plan(request)
    expect(plan!.name).toContain('http://head:8265/api/jobs/')
    expect(plan!.text).not.toContain('s3cr3t')
    expect(JSON.parse(plan!.text)).toMatchObject({ entrypoint_num_cpus: 2, metadata: { study: request.study } })
    for (const bad of ['ray://', 'ray://a b', 'pbs'])
      expect(() => launcherFor(bad, place)).toThrow(expect.objectContaining({ code: 'bad-option' }))
  })
})
