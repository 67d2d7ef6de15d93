import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStorage } from '../../src/tune/storage/index.js'
import { bundledCli, runCli, sphere } from './cli.js'

let cli: Awaited<ReturnType<typeof bundledCli>>
let folders = 0
let cwd = ''
beforeAll(async () => {
  cli = await bundledCli()
})
afterAll(() => cli.remove())
const fresh = () => mkdirSync((cwd = join(cli.folder, `${folders++}`)))
const anneal = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runCli(cli.script, args, { cwd, env })
const trialsOf = async (name: string, file = `${name}.db`) => {
  const storage = await openStorage(`sqlite:///${join(cwd, file)}`)
  const trials = await storage.trials((await storage.findStudy(name))!)
  await storage.close()
  return trials
}

test('anneal tune makes the trials, and the same command with more makes the rest', async () => {
  fresh()
  const first = await anneal(['tune', sphere, '--workers', '2']).ended
  expect(first).toMatchObject({ code: 0, errors: '' })
  expect(first.out).toMatch(/12\/12 {2}best [\d.]+ \(trial \d+\) {2}0 running, 12 complete/)
  expect((await trialsOf('sphere')).map(trial => trial.number)).toEqual(Array.from({ length: 12 }, (_, i) => i))
  const again = await anneal(['tune', sphere, '--trials', '15']).ended
  expect(again.code).toBe(0)
  expect((await trialsOf('sphere')).map(trial => trial.state)).toEqual(Array.from({ length: 15 }, () => 'COMPLETE'))
  // One more worker finds nothing to do.
  const worker = anneal(['worker', sphere], { ANNEAL_STORAGE: 'sqlite:///sphere.db' })
  expect(await worker.ended).toMatchObject({ code: 0, out: expect.stringMatching(/^0 trials in/) })

  const look = async (...args: string[]) =>
    (await anneal(['study', ...args, '--storage', 'sqlite:///sphere.db']).ended).out
  expect(await look('list')).toMatch(/sphere +minimize +15\/15 +15 +0 +[\d.]+\n/)
  expect(await look('show')).toMatch(/trial {3}state[\s\S]*14 {3}COMPLETE[\s\S]*x=/)
  expect(JSON.parse(await look('best', '--json'))[0].params).toHaveProperty('y')
  expect(await look('importances')).toMatch(/x +[\d.]+ %/)
  expect((await look('export', '--format', 'csv')).trim().split('\n')).toHaveLength(16)
  expect(JSON.parse(await look('export')).trials).toHaveLength(15)
  expect(await look('prune-stale')).toBe('0 ended, 0 still running\n')
  expect((await anneal(['study', 'delete', '--storage', 'sqlite:///sphere.db']).ended).code).toBe(1)
  expect(await look('delete', 'sphere', '--yes')).toMatch(/deleted sphere with 15 trials/)
  expect(await look('list')).not.toMatch(/sphere/)
})

test('Ctrl-C lets the running trials end, and the same command goes on', async () => {
  fresh()
  const args = ['tune', sphere, '--workers', '2', '--trials', '9']
  const run = anneal(args, { PAUSE: '700' })
  await run.wrote(/[12] running/)
  run.child.kill('SIGINT')
  const { code, out } = await run.ended
  expect(code).toBe(130)
  expect(out).toMatch(/ending after the running trials[\s\S]*the same command goes on/)
  const left = await trialsOf('sphere')
  expect(left.length).toBeLessThan(9)
  expect(left.every(trial => trial.state === 'COMPLETE')).toBe(true)
  expect((await anneal(args).ended).code).toBe(0)
  expect(await trialsOf('sphere')).toHaveLength(9)
})

test('a second Ctrl-C gives the running trials up, to be tried again', async () => {
  fresh()
  const args = ['tune', sphere, '--trials', '2']
  const run = anneal(args, { PAUSE: '600000' })
  await run.wrote(/1 running/)
  run.child.kill('SIGINT')
  await run.wrote(/again to give them up/)
  run.child.kill('SIGINT')
  expect((await run.ended).code).toBe(130)
  expect((await trialsOf('sphere')).map(trial => trial.state)).toEqual(['FAIL', 'WAITING'])
  expect((await anneal(args).ended).code).toBe(0)
  const trials = await trialsOf('sphere')
  expect(trials.map(trial => trial.state)).toEqual(['FAIL', 'COMPLETE', 'COMPLETE'])
  expect(trials[1]!.systemAttrs).toMatchObject({ retry_history: [0] })
})

describe('anneal tune says with exit code 1 what is wrong', () => {
  test.each([
    [['nowhere.ts'], /no-experiment/],
    [[sphere, '--trials', 'many'], /--trials.*whole number/],
    [[sphere, '--sampler', 'tpee'], /did you mean tpe/i],
    [[sphere, '--on', 'slurm'], /postgresql/],
  ])('%s', async (args, message) => {
    fresh()
    const { code, errors } = await anneal(['tune', ...args]).ended
    expect(errors).toMatch(message)
    expect(code).toBe(1)
  })

  test.each([
    ['\n\nexport const objective = (', 'mjs', /experiment-failed: at \S*e\.mjs:3, .*SyntaxError/],
    ['import "./nowhere.js"', 'mjs', /experiment-failed: .*Cannot find module .*\. Install, or build/],
    ['const x: = 3', 'ts', /experiment-failed: at \S*e\.ts:1, /],
    ['{"trials": 3,}', 'json', /bad-json: at \S*e\.json/],
  ])('of a file that cannot be read: %j', async (text, ending, message) => {
    fresh()
    writeFileSync(join(cwd, `e.${ending}`), text)
    const { code, errors } = await anneal(['tune', `e.${ending}`]).ended
    expect(errors).toMatch(message)
    expect(errors).not.toMatch(/^ +at /m)
    expect(code).toBe(1)
  })

  test.each([
    [['study', 'list', '--storage', 'sqlite:///nowhere.db'], /no-storage.*none at/],
    [['study', 'show', '--storage', 'journal:///nowhere.log'], /no-storage/],
    [['worker', sphere, '--deadline', 'yesterday'], /--deadline.*a date/],
  ])('and so do others: %s', async (args, message) => {
    fresh()
    const { code, errors } = await anneal(args).ended
    expect(errors).toMatch(message)
    expect(code).toBe(1)
    // To look at a storage that is not there does not make it.
    expect(readdirSync(cwd)).toEqual([])
  })

  test('also where the objective never works', async () => {
    fresh()
    const { code, errors } = await anneal(['tune', sphere, '--max-failures', '3'], { BROKEN: '1' }).ended
    expect(code).toBe(1)
    expect(errors).toMatch(/too-many-failures[\s\S]*Error: out of order/)
    expect((await trialsOf('sphere')).map(trial => trial.state)).toEqual(['FAIL', 'FAIL', 'FAIL'])
    const look = async (...args: string[]) =>
      (await anneal(['study', ...args, '--storage', 'sqlite:///sphere.db']).ended).errors
    expect(await look('importances')).toMatch(/no-trial/)
    expect(await look('importances', '--objective', '1')).toMatch(/--objective, expected less than 1/)
    expect(await look('best')).toMatch(/no-trial/)
  })
})

test('the built command line reads TypeScript, which imports more of it', async () => {
  fresh()
  writeFileSync(join(cwd, 'square.ts'), 'export const square = (x: number): number => x * x\n')
  writeFileSync(
    join(cwd, 'study.ts'),
    `import { square } from './square.js'
    export const options = { trials: 3 } as const
    export const objective = (trial: { suggestInt(name: string, low: number, high: number): number }): number =>
      square(trial.suggestInt('x', 1, 9))`,
  )
  expect(await anneal(['tune', 'study.ts']).ended).toMatchObject({ code: 0, errors: '' })
  for (const { params, values } of await trialsOf('study')) expect(values).toEqual([Number(params.x) ** 2])
})

test('an experiment in JSON runs a command; --dry-run prints what would be started', async () => {
  fresh()
  const run = `${process.execPath} -e "console.log('looking'); console.log({x} ** 2)"`
  const experiment = {
    name: 'parabola',
    trials: 4,
    sampler: { name: 'random', seed: 1 },
    space: { x: [0, 1, 2, 3] },
    run,
  }
  writeFileSync(join(cwd, 'experiment.json'), JSON.stringify(experiment))
  expect((await anneal(['tune', 'experiment.json']).ended).code).toBe(0)
  const trials = await trialsOf('parabola')
  expect(trials).toHaveLength(4)
  for (const { params, values } of trials) expect(values).toEqual([Number(params.x) ** 2])
  const dry = await anneal(['tune', 'experiment.json', '--on', 'slurm', '--dry-run', '--workers', '4'], {
    ANNEAL_STORAGE: 'postgresql://me:s3cr3t@db/x',
  }).ended
  expect(dry.out).toMatch(/--array=1-4[\s\S]*exec node_modules\/\.bin\/anneal worker experiment\.json --name parabola/)
  expect(dry.out).not.toContain('s3cr3t')
})
