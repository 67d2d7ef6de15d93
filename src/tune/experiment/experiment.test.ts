import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createStudy } from '../create.js'
import { pruners, samplers } from '../index.js'
import { prunersByName, samplersByName } from '../names.js'
import { loadExperiment } from './index.js'

const folder = mkdtempSync(join(tmpdir(), 'anneal-experiment-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const file = (text: string | object, ending = 'json'): string => {
  const path = join(folder, `e${files++}.${ending}`)
  writeFileSync(path, typeof text === 'string' ? text : JSON.stringify(text))
  return path
}
const problems = async (path: string, overrides = {}): Promise<string[]> => {
  const error = await loadExperiment(path, overrides).then(
    () => null,
    (e: unknown) => e as { where?: string; problems: readonly { where?: string }[] },
  )
  if (error === null) return []
  return (error.problems.length > 0 ? error.problems : [error]).map(problem => `${problem.where}`)
}
const space = { x: { type: 'float', low: -5, high: 5 } }

describe('an experiment from a module', () => {
  test('gives objective, space and options; the command line’s words count more', async () => {
    const path = file(
      `export const options = { trials: 7, direction: 'maximize', sampler: { type: 'random', seed: 3 }, pruner: 'median' }
      export const objective = trial => trial.suggestFloat('x', 0, 1)`,
      'mjs',
    )
    const plain = await loadExperiment(path)
    expect(plain).toMatchObject({ trials: 7, directions: ['maximize'], sampler: { name: 'random', seed: 3 } })
    expect(plain).toMatchObject({ pruner: { name: 'median' }, heartbeat: { interval: 10, grace: 60, retry: 1 } })
    expect(plain.storage).toBe(`sqlite:///${plain.name}.db`)
    const other = await loadExperiment(path, {
      trials: 9,
      sampler: 'tpe',
      seed: 5,
      directions: ['minimize', 'minimize'],
      name: 'a name: of/its own',
    })
    expect(other).toMatchObject({ trials: 9, sampler: { name: 'tpe', seed: 5 }, directions: ['minimize', 'minimize'] })
    expect(other.storage).toBe('sqlite:///a-name-of-its-own.db')
  })

  test('hands the values of its space to the objective, and takes instances', async () => {
    const path = file(
      `export const space = { dimensions: { x: { distribution: { type: 'float', low: 0, high: 1, log: false, step: null } } },
        suggest: trial => ({ x: trial.suggestFloat('x', 0, 1) }) }
      export const options = { sampler: { name: 'mine', seed: 1, sampleIndependent: () => 0.25 } }
      export default (trial, { x }) => 4 * x`,
      'mjs',
    )
    const { objective, sampler } = await loadExperiment(path)
    const study = await createStudy({ sampler })
    await study.optimize(objective, { trials: 1 })
    expect(await study.bestValue()).toBe(1)
    expect(await problems(path, { seed: 4 })).toEqual([expect.stringMatching(/options\.seed$/)])
  })

  test.each([
    ['export default () => 1\nthrow new RangeError("out of\\norder")', ':2', 'RangeError: out of order'],
    ['throw "words"', '', 'Error: words'],
  ])('that cannot be imported says why, and where: %j', async (text, line, received) => {
    const path = file(text, 'mjs')
    const failed = { code: 'experiment-failed', where: `${path}${line}`, received }
    await expect(loadExperiment(path)).rejects.toMatchObject(failed)
  })

  test('passes on what this package itself refuses in it', async () => {
    const path = file(`import { float } from '${new URL('../index.ts', import.meta.url)}'\nfloat(1, 0)`, 'mjs')
    await expect(loadExperiment(path)).rejects.toMatchObject({ code: 'bad-range' })
  })

  test('ends a trial as pruned whichever copy of the package its objective has', async () => {
    const path = file(
      `class TrialPruned extends Error { name = 'TrialPruned' }
      export const objective = () => { throw new TrialPruned() }`,
      'mjs',
    )
    const study = await createStudy()
    await study.optimize((await loadExperiment(path)).objective, { trials: 1 })
    expect((await study.trials())[0]!.state).toBe('PRUNED')
  })
})

describe('an experiment from JSON', () => {
  test('tells of everything that is wrong at once, and where', async () => {
    const path = file({
      nome: 'a',
      trials: 0,
      direction: 'minimize',
      directions: ['maximize'],
      sampler: { name: 'tpee' },
      pruner: { name: 'hyperband', reductionFactor: 1 },
      heartbeat: { interval: 10, grace: 5 },
      storage: 'memory',
      space: {
        lr: { type: 'float', low: 1, high: 0.1 },
        units: { type: 'integer', low: 1, high: 2 },
        kind: { type: 'oneOf', branches: { a: { m: { type: 'float', low: 0 } } } },
      },
      run: 'train --lr {lr}',
      module: './study.js',
    })
    const found = (await problems(path)).map(where => where.replace(/^e\d+\.json\.?/, ''))
    expect(found.sort()).toEqual(
      [
        'nome',
        'trials',
        '', // direction and directions; run and module
        '',
        'module',
        'heartbeat.grace',
        'pruners.hyperband.reductionFactor',
        'sampler.name',
        'space.kind.a.m.high',
        'space.lr',
        'space.units',
        'storage',
      ].sort(),
    )
  })

  test.each([
    ['[1]', 'bad-option'],
    ['{ trials: 1 }', 'bad-json'],
    ['{}', 'no-objective'],
    ['{ "run": "echo {y}", "space": { "x": [1, 2] } }', 'unknown-placeholder'],
    ['{ "run": "echo 1" }', 'no-space'],
    ['{ "run": " ", "space": { "x": [1, 2] } }', 'bad-option'],
    ['{ "module": "nowhere.js" }', 'no-file'],
  ])('refuses %s', async (text, code) => {
    await expect(loadExperiment(file(text))).rejects.toMatchObject({ code })
  })

  test('says where there is no file', async () => {
    await expect(loadExperiment(join(folder, 'nowhere.ts'))).rejects.toMatchObject({ code: 'no-experiment' })
    await expect(loadExperiment(folder)).rejects.toMatchObject({ code: 'no-experiment', received: 'a folder' })
  })

  test('gives a grid the values of the space', async () => {
    const grid = (dimensions: object) => file({ run: 'echo 1', sampler: 'grid', space: dimensions })
    const { sampler, objective } = await loadExperiment(
      grid({ a: { type: 'float', low: 0, high: 0.3, step: 0.1 }, b: ['x', 'y'] }),
    )
    const study = await createStudy({ sampler })
    await study.optimize(objective)
    const seen = (await study.trials()).map(({ params }) => `${params.a} ${params.b}`)
    expect(seen.sort()).toEqual(['0 x', '0 y', '0.1 x', '0.1 y', '0.2 x', '0.2 y', '0.3 x', '0.3 y'])
    await expect(loadExperiment(grid(space))).rejects.toMatchObject({ code: 'endless-range' })
  })
})

describe.skipIf(process.platform === 'win32')('a command as the objective', () => {
  const run = async (command: string | string[], options: object = {}) => {
    const experiment = await loadExperiment(file({ run: command, space, ...options }))
    const study = await createStudy({ directions: experiment.directions, pruner: experiment.pruner })
    await study.enqueueTrial({ x: 2 })
    await study.optimize(experiment.objective, { trials: 1, catch: true })
    return (await study.trials())[0]!
  }

  test('is its last line, through the shell or not', async () => {
    expect((await run('echo looking; echo $(( {x} * 3 )); echo')).values).toEqual([6])
    expect((await run(['printf', 'a\\n%s', '{x}'])).values).toEqual([2])
    expect((await run('echo "$ANNEAL_TRIAL" "$ANNEAL_PARAMS" >&2; echo {{}} 1>&2; echo -inf')).values).toEqual([
      -Infinity,
    ])
    expect((await run('echo 1, 2', { directions: ['minimize', 'maximize'] })).values).toEqual([1, 2])
  })

  test('quotes values, whatever is in them', async () => {
    const value = `a'b"$(touch ${folder}/touched); {x}`
    const experiment = await loadExperiment(file({ run: 'test {x} = "$WANTED" && echo 1', space: { x: [value, 'b'] } }))
    process.env.WANTED = value
    const study = await createStudy()
    await study.enqueueTrial({ x: value })
    await study.optimize(experiment.objective, { trials: 1 })
    expect(await study.bestValue()).toBe(1)
  })

  test('fails with what the command complained of', async () => {
    const reason = async (command: string) => (await run(command)).systemAttrs.fail_reason
    expect(await reason('echo oh dear >&2; exit 3')).toMatch(/exit code 3: oh dear/)
    expect(await reason('echo done')).toMatch(/no number: done/)
    expect(await reason('true')).toMatch(/wrote nothing/)
    expect((await run('echo nan')).state).toBe('FAIL')
    expect((await run(['no-such-program-there'])).state).toBe('FAIL')
  })

  test('reports on the way, and is ended where the pruner says so', async () => {
    const trial = await run('echo anneal:report 0 0.5; echo anneal:report 1 9; sleep 60; echo 1', {
      pruner: { name: 'threshold', upper: 5 },
    })
    expect(trial).toMatchObject({ state: 'PRUNED', values: [9] })
    expect([...trial.intermediateValues]).toEqual([
      [0, 0.5],
      [1, 9],
    ])
  })
})

test('every sampler and pruner there is has a name', () => {
  expect(Object.keys(samplersByName)).toEqual(Object.keys(samplers).filter(name => name !== 'chooseSampler'))
  expect(Object.keys(prunersByName)).toEqual(Object.keys(pruners))
  const options: Record<string, Record<string, unknown>> = {
    grid: { values: { x: [1] } },
    partialFixed: { fixed: { x: 1 }, base: { name: 'random' } },
    percentile: { percentile: 25 },
    patient: { pruner: 'median', patience: 2 },
    threshold: { upper: 1 },
    wilcoxon: {},
  }
  for (const [name, make] of Object.entries(samplersByName))
    expect(make(options[name] ?? { seed: 1 }).sampleIndependent).toBeTypeOf('function')
  for (const [name, make] of Object.entries(prunersByName))
    expect(make(options[name] ?? {}).prune).toBeTypeOf('function')
})
