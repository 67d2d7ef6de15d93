import { execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findPostgres, freePort, startPostgres, type TestPostgres } from '../../src/testing/postgres.js'
import { openStorage } from '../../src/tune/storage/index.js'
import { bundledCli, runCli, sphere } from './cli.js'

// Workers as jobs of a real Ray cluster: where ANNEAL_PYTHON names a Python that has Ray with its dashboard.
const run = promisify(execFile)
const python = process.env.ANNEAL_PYTHON
const bin = findPostgres()
const missing =
  python === undefined
    ? 'set ANNEAL_PYTHON to a Python with ray[default] to run this'
    : bin === null
      ? 'no initdb and pg_ctl here'
      : await run(python, ['-c', 'import ray.dashboard.optional_deps']).then(
          () => null,
          (error: Error) => `${python} has no ray[default]: ${error.message.trim().split('\n').at(-1)}`,
        )

describe.skipIf(missing !== null)(`workers on a Ray cluster${missing === null ? '' : ` (${missing})`}`, () => {
  let cli: Awaited<ReturnType<typeof bundledCli>>
  let server: TestPostgres
  let head: ReturnType<typeof spawn>
  let place = ''
  let folders = 0
  const rayFolder = mkdtempSync(join(tmpdir(), 'ray-'))
  beforeAll(async () => {
    ;[cli, server] = await Promise.all([bundledCli(), startPostgres(bin!)])
    const [port, dashboard, agent, client] = await Promise.all([freePort(), freePort(), freePort(), freePort()])
    place = `ray://127.0.0.1:${dashboard}`
    const options = [
      '--head',
      '--block', // stays, and takes what it has started along when it ends
      '--include-dashboard=true',
      '--disable-usage-stats',
      '--num-cpus=2',
      `--port=${port}`,
      `--dashboard-port=${dashboard}`,
      `--dashboard-agent-listen-port=${agent}`,
      `--ray-client-server-port=${client}`,
      `--temp-dir=${rayFolder}`,
    ]
    head = spawn(python!, ['-c', 'from ray.scripts.scripts import main; main()', 'start', ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let text = ''
    await new Promise<void>((resolve, reject) => {
      for (const stream of [head.stdout!, head.stderr!])
        stream.setEncoding('utf8').on('data', (more: string) => {
          text += more
          if (text.includes('Ray runtime started')) resolve()
        })
      head.once('close', () => reject(new Error(`Ray did not start:\n${text}`)))
    })
  })
  afterAll(async () => {
    const ended = new Promise(resolve => head.once('close', resolve))
    head.kill('SIGTERM')
    await ended
    server.stop()
    cli.remove()
    rmSync(rayFolder, { recursive: true, force: true })
  })

  const tune = (storage: string, env: string, ...options: readonly string[]) => {
    const cwd = join(cli.folder, `ray-${folders++}`)
    mkdirSync(cwd)
    writeFileSync(join(cwd, 'worker.sh'), `#!/bin/sh\nexec env ${env} '${process.execPath}' '${cli.script}' "$@"\n`)
    const args = ['tune', sphere, '--on', place, '--command', 'sh worker.sh', '--directory', cwd, ...options]
    return runCli(cli.script, args, { cwd, env: { ANNEAL_STORAGE: storage } })
  }
  const trialsOf = async (url: string) => {
    const storage = await openStorage(url)
    const trials = await storage.trials((await storage.findStudy('sphere'))!)
    await storage.close()
    return trials
  }

  test('two of them make the trials of a study', async () => {
    const url = server.database()
    expect(await tune(url, 'PAUSE=20', '--workers', '2').ended).toMatchObject({
      code: 0,
      errors: '',
      out: expect.stringMatching(/12\/12 {2}best [\d.]+ \(trial \d+\) {2}0 running, 12 complete/),
    })
    expect((await trialsOf(url)).map(trial => [trial.number, trial.state])).toEqual(
      Array.from({ length: 12 }, (_, i) => [i, 'COMPLETE']),
    )
  })

  test('Ctrl-C lets their trials end, even where that takes longer than Ray waits by itself', async () => {
    const url = server.database()
    const tuning = tune(url, 'PAUSE=8000', '--trials', '6')
    await tuning.wrote(/1 running/)
    tuning.child.kill('SIGINT')
    expect(await tuning.ended).toMatchObject({ code: 130, out: expect.stringMatching(/the same command goes on/) })
    expect((await trialsOf(url)).map(trial => trial.state)).toEqual(['COMPLETE'])
  })

  test('those that wait for a place are told of, and end at Ctrl-C', async () => {
    const tuning = tune(server.database(), 'PAUSE=2', '--cpus', '64')
    await tuning.wrote(/workers: 0 at work, 1 waiting for a place/)
    tuning.child.kill('SIGINT')
    expect(await tuning.ended).toMatchObject({ code: 130, errors: '' })
  })

  test('what failing ones wrote is told', async () => {
    const { code, errors } = await tune(server.database(), 'BROKEN=1', '--max-failures', '2').ended
    expect(errors).toMatch(/workers-failed[\s\S]*too-many-failures[\s\S]*Error: out of order/)
    expect(errors).not.toMatch(/job_manager|Running entrypoint/)
    expect(code).toBe(1)
  })
})
