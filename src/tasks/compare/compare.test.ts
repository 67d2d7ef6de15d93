import { beforeAll, describe, expect, test } from 'vitest'
import { isAnnealError, tensor } from '../../ir/index.js'
import { type Chart, reportHtml, reportText } from '../../report/index.js'
import { compareOptimizers, compareRegularizers, compareSchedules, recipesOf } from './compare.js'
import { aroundEnd, lossOver, randomDirection } from './landscape.js'
import type { CompareOptions } from './options.js'
import { build } from './recipe.js'
import type { Comparison, Run } from './record.js'
import { compareReport, comparisonTable } from './report.js'
import { testSurfaces } from './surfaces.js'
import { judge } from './verdict.js'

const small: CompareOptions = { quick: true, seeds: 2, epochs: 2, examples: 60, hidden: [8], batchSize: 20 }

describe('a comparison of regularizers', () => {
  let result: Comparison
  beforeAll(async () => {
    result = await compareRegularizers({ ...small, only: ['L1', 'dropout', 'early stopping', 'mixup'] })
  })

  test('trains the baseline and those asked for, the baseline first, with every seed', () => {
    expect(result.variants.map(v => v.name)).toEqual(['plain', 'L1', 'dropout', 'mixup', 'early stopping'])
    for (const { runs } of result.variants) expect(runs.map(run => run.seed)).toEqual([0, 1])
    expect(result.baseline).toBe('plain')
    expect(result.network).toBe('784-8-10')
  })

  test('measures before training and after every epoch', () => {
    const [run] = result.variants[0]!.runs
    expect(run!.curves.trainingLoss).toHaveLength(3)
    expect(run!.curves.trainingLoss[0]).toBeGreaterThan(run!.curves.trainingLoss[2]!)
    expect(run!.updates).toBe(6)
    expect(run!.final.trainingLoss).toBe(run!.curves.trainingLoss[2])
  })

  test('gives all variants the same first weights and digits under one seed, and other ones under another', () => {
    const start = (name: string, seed: number) =>
      result.variants.find(v => v.name === name)!.runs[seed]!.curves.trainingLoss[0]
    expect(start('L1', 0)).toBe(start('plain', 0))
    expect(start('mixup', 0)).toBe(start('plain', 0))
    expect(start('plain', 1)).not.toBe(start('plain', 0))
  })

  test('is plain data, and its report a page and a text with everything in it', async () => {
    expect(JSON.parse(JSON.stringify(result))).toEqual(result)
    const report = compareReport(JSON.parse(JSON.stringify(result)) as Comparison)
    const html = await reportHtml(report)
    const text = reportText(report)
    for (const { name, what } of result.variants)
      for (const page of [html, text]) for (const word of [name, what]) expect(page).toContain(word)
    expect(html.length).toBeLessThan(5e6)
    expect(text).toMatch(/Mean ± standard deviation over 2 seeds/)
    expect(text).toMatch(/10 % of them mislabelled/)
    expect(comparisonTable(result).rows).toHaveLength(5)
  })

  test('is the same again with the same seed', async () => {
    const again = await compareRegularizers({ ...small, seeds: 1, only: ['dropout'] })
    expect(again.variants[1]!.runs[0]!.curves).toEqual(result.variants[2]!.runs[0]!.curves)
  })
})

test('a comparison of optimizers walks surfaces and surveys the loss', async () => {
  const result = await compareOptimizers({ ...small, seeds: 1, only: ['adam', 'gradientDescent'] })
  expect(result.variants.map(v => v.name)).toEqual(['sgd', 'adam', 'gradientDescent'])
  expect(result.variants[2]!.runs[0]!.updates).toBe(2) // one an epoch
  for (const { surface: name, paths, steps } of result.descents!) {
    const surface = testSurfaces.find(s => s.name === name)!
    expect(paths.map(path => path.name)).toEqual(['sgd', 'adam', 'gradientDescent'])
    for (const path of paths) {
      expect(path.points.length).toBe(steps + 1)
      // Not always nearer to the minimum, but lower: valleys wind.
      expect(path.value).toBeLessThan(surface.value(...surface.start))
    }
  }
  const [plane, ...around] = result.landscapes!
  expect(plane!.kind).toBe('principal directions')
  expect(plane!.share).toBeGreaterThan(0.5)
  for (const path of plane!.paths) {
    expect(path.points[0]![0]).toBeCloseTo(0)
    expect(path.points[0]![1]).toBeCloseTo(0)
  }
  expect(around.map(l => l.of)).toEqual(['sgd', 'adam', 'gradientDescent'])
  const middle = Math.floor(around[0]!.y.length / 2)
  expect(around[0]!.values[middle]![middle]).toBeCloseTo(around[0]!.paths[0]!.loss, 4)
  const charts = compareReport(result).sections.flatMap(s => s.charts ?? [])
  const kinds = charts.flatMap((c): (Chart['kind'] | 'panels')[] =>
    c.kind === 'panels' ? c.panels.map(p => p.kind) : [c.kind],
  )
  expect(kinds.filter(kind => kind === 'surface').length).toBeGreaterThan(6)
}, 120_000)

test('a comparison of schedules keeps the rate of every update beside the loss', async () => {
  const result = await compareSchedules({ ...small, seeds: 1 })
  expect(result.variants.map(v => v.name)).toEqual(recipesOf.schedules.map(r => r.name))
  for (const { rates, learningRate, name } of result.variants) {
    expect(Math.max(...rates.map(([, rate]) => rate)), name).toBeLessThanOrEqual(learningRate * 1.0001)
    expect(rates.at(-1)![0]).toBe(5)
  }
  expect(compareReport(result).sections.map(s => s.heading)).toContain('The rate, and the loss under it')
}, 120_000)

test('tuning tries five rates and keeps that of the lowest validation loss', async () => {
  const { variants } = await compareOptimizers({ ...small, seeds: 1, epochs: 1, only: ['sgd'], tune: true })
  const [{ tuned, learningRate }] = variants as [(typeof variants)[number]]
  expect(tuned).toHaveLength(5)
  const best = tuned!.reduce((a, b) => (b.validationLoss < a.validationLoss ? b : a))
  expect(learningRate).toBe(best.learningRate)
}, 120_000)

describe('verdicts', () => {
  const run = (seed: number, training: number, test: number, loss = 0.1): Run => ({
    seed,
    curves: { trainingLoss: [], trainingAccuracy: [], validationLoss: [], validationAccuracy: [] },
    final: {
      trainingLoss: loss,
      trainingAccuracy: training,
      validationLoss: 1,
      validationAccuracy: test,
      testLoss: 1,
      testAccuracy: test,
    },
    epochs: 1,
    updates: 1,
    seconds: 1,
    reason: 'completed',
  })
  const five = (training: number, test: number, loss?: number) =>
    Array.from({ length: 5 }, (_, i) => run(i, training, test + 0.001 * (i % 3), loss))
  const plain = { name: 'plain', runs: five(1, 0.85) }

  test('say that plain overfits', () => {
    expect(judge('regularizers', 'plain', plain.runs, null)).toMatchObject({ effect: 'baseline' })
    expect(judge('regularizers', 'plain', plain.runs, null).text).toMatch(/^Overfits: 100.0 % .* a gap of 14.9 points/)
  })

  test('say what helps, and by how much', () => {
    const verdict = judge('regularizers', 'dropout', five(0.95, 0.88), plain)
    expect(verdict.effect).toBe('helps')
    expect(verdict.text).toMatch(/rises by 3.0 points; the gap is 8.0 points narrower/)
  })

  test('say that a narrower gap alone is no gain', () => {
    const verdict = judge('regularizers', 'L2', five(0.9, 0.83), plain)
    expect(verdict.effect).toBe('hurts')
    expect(verdict.text).toMatch(
      /falls by 2.0 points, though the gap is 8.0 points narrower: it fits the training digits less/,
    )
  })

  test('say where something does not help', () => {
    const noise = plain.runs.map((r, i) => run(i, 1, r.final.testAccuracy + (i % 2 === 0 ? 0.01 : -0.01)))
    const verdict = judge('regularizers', 'EMA', noise, plain)
    expect(verdict.effect).toBe('no clear difference')
    expect(verdict.text).toMatch(/does not help here/)
  })

  test('of optimizers speak of training loss first, and say that faster is not better', () => {
    const verdict = judge('optimizers', 'adam', five(1, 0.85, 0.01), plain)
    expect(verdict.effect).toBe('helps')
    expect(verdict.text).toMatch(/10 times lower than plain’s.*generalizes no better/)
  })

  test('name a failure', () => {
    const verdict = judge('optimizers', 'sgd', [{ ...run(0, 0.1, 0.1), reason: 'diverged' }], plain)
    expect(verdict).toMatchObject({ effect: 'failed' })
  })
})

test('an optimizer that diverges is a result, not a failure of the comparison', async () => {
  // A thousand times the usual rate, by way of the recipe.
  const { trainAll } = await import('./run.js')
  const { loadDigits } = await import('./digits.js')
  const { resolveSettings } = await import('./options.js')
  const settings = resolveSettings('optimizers', { ...small, seeds: 1 }, [])
  const [sgd] = recipesOf.optimizers
  const wild = { ...sgd!, learningRate: 1e30 }
  const { variants } = await trainAll('optimizers', [wild], await loadDigits(settings), settings)
  expect(variants[0]!.verdict.effect).toBe('failed')
  expect(variants[0]!.verdict.text).toMatch(/Diverged with 1 of one seed/)
})

describe('landscapes', () => {
  const weights = {
    'dense/kernel': tensor(Float32Array.of(3, 0.1, 4, 0, 0, 0.2), [3, 2]),
    'dense/bias': tensor(Float32Array.of(1, 2), [2]),
  }

  test('a random direction is as long, unit by unit, as the weights, and leaves biases alone', () => {
    const direction = randomDirection(weights, 1, 'first')
    const column = (t: Float32Array, unit: number) => Math.hypot(...[0, 1, 2].map(i => t[2 * i + unit]!))
    const kernel = direction['dense/kernel']!.data as Float32Array
    expect(column(kernel, 0)).toBeCloseTo(5, 4)
    expect(column(kernel, 1)).toBeCloseTo(Math.hypot(0.1, 0.2), 4)
    expect(Array.from(direction['dense/bias']!.data as Float32Array)).toEqual([0, 0])
  })

  test('the loss in the middle of a plane is the model’s own', async () => {
    const [recipe] = recipesOf.optimizers
    const model = build(recipe!, [4], 3)
    model.compile({ optimizer: recipe!.optimizer(0.1), loss: 'categoricalCrossentropy' })
    const x = tensor(
      Float32Array.from({ length: 5 * 784 }, (_, i) => (i % 7) / 7),
      [5, 784],
    )
    const y = tensor(
      Float32Array.from({ length: 50 }, (_, i) => (i % 10 === i % 3 ? 1 : 0)),
      [5, 10],
    )
    const trail = [await model.weights()]
    const { values, paths } = await aroundEnd(model.network, 'sgd', trail, { x, y, count: 5 }, 3)
    const { loss } = await model.evaluate(x, y)
    expect(values[1]![1]).toBeCloseTo(loss!, 5)
    expect(paths[0]!.points).toEqual([[0, 0]])
    const plane = { origin: trail[0]!, first: trail[0]!, second: trail[0]! }
    const doubled = await lossOver(model.network, plane, { x, y, count: 5 }, [1], [0])
    model.setWeights(
      Object.fromEntries(
        Object.entries(trail[0]!).map(([path, t]) => [path, { ...t, data: (t.data as Float32Array).map(v => 2 * v) }]),
      ),
    )
    expect(doubled[0]![0]).toBeCloseTo((await model.evaluate(x, y)).loss!, 4)
  })
})

describe('refuses', () => {
  test.each([
    [{ seeds: 0 }, /seeds.*from 1 to 100, received 0/],
    [{ epochs: 1.5 }, /epochs.*whole number/],
    [{ examples: Number.NaN }, /examples.*whole number/],
    [{ only: ['L3'] }, /only.*one of plain, L1, L2.*received L3. Did you mean L1/],
    [{ only: [] }, /only.*a list of names/],
    [{ hidden: [] }, /hidden.*numbers of units/],
    [{ wrong: 1 }, /wrong.*a share from 0 to below 1/],
    [{ sedes: 3 }, /unknown-option.*Did you mean seed/],
    [{ quick: 'yes' }, /quick.*true or false/],
  ])('%j', async (options, message) => {
    const error = await compareRegularizers(options as CompareOptions).catch((e: unknown) => e)
    expect(isAnnealError(error)).toBe(true)
    expect((error as Error).message).toMatch(message)
  })

  test('more digits than there are', async () => {
    await expect(compareSchedules({ ...small, examples: 20_000 })).rejects.toMatchObject({ code: 'too-few-examples' })
  })

  test('to go on once aborted', async () => {
    const signal = AbortSignal.abort()
    await expect(compareSchedules({ ...small, signal })).rejects.toMatchObject({ code: 'aborted' })
  })
})
