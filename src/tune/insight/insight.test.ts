import { describe, expect, test } from 'vitest'
import { createStudy } from '../create.js'
import type { Direction, FrozenTrial } from '../frozen-trial.js'
import { random } from '../samplers/random.js'
import type { StudyView } from '../samplers/sampler.js'
import { freshTrial } from '../storage/memory.js'
import { TrialPruned } from '../trial.js'
import {
  contour,
  contourCharts,
  edf,
  edfChart,
  hypervolumeHistory,
  importances,
  intermediateValues,
  intermediateValuesChart,
  optimizationHistory,
  optimizationHistoryChart,
  parallelCoordinates,
  parallelCoordinatesChart,
  paretoFront,
  paretoFrontCharts,
  rank,
  slice,
  sliceCharts,
  terminatorImprovement,
  timeline,
  timelineChart,
} from './index.js'
import { goodness } from './view.js'

const complete = (number: number, values: number[], more: Partial<FrozenTrial> = {}): FrozenTrial => ({
  ...freshTrial(),
  id: number,
  number,
  state: 'COMPLETE',
  values,
  ...more,
})
const view = (trials: FrozenTrial[], directions: Direction[] = ['minimize']): StudyView => ({
  name: 'test',
  directions,
  trials,
  systemAttrs: {},
})
const violating = { systemAttrs: { constraints: [1] } }

/** A study with everything that makes figures stumble. */
async function awkward(): Promise<StudyView> {
  const study = await createStudy({ sampler: random({ seed: 2 }) })
  await study.optimize(
    async trial => {
      const kind = trial.suggestCategorical('kind', ['tree', 'net', null])
      trial.suggestFloat('fixed', 1, 1)
      const x = trial.suggestFloat('x', 1e-4, 1, { log: true })
      const n = kind === 'tree' ? trial.suggestInt('leaves', 2, 30) : 3
      if (trial.number % 9 === 4) throw new RangeError('no luck')
      for (let step = 0; step < 3; step++) await trial.report(x + n / (step + 1), step)
      if (trial.number % 9 === 7) throw new TrialPruned()
      return trial.number === 5 ? Number.POSITIVE_INFINITY : x + n
    },
    { trials: 40, catch: true },
  )
  return study.snapshot()
}

describe('optimization history', () => {
  test('the best so far follows the direction, and trials that violate constraints are no best', () => {
    const trials = [complete(0, [3]), complete(1, [9], violating), complete(2, [5]), complete(3, [4])]
    const most = optimizationHistory(view(trials, ['maximize']))
    expect(most.best.map(b => b.value)).toEqual([3, 3, 5, 5])
    expect(most.trials.map(t => t.feasible)).toEqual([true, false, true, true])
    expect(optimizationHistory(view(trials)).best.map(b => b.value)).toEqual([3, 3, 3, 3])
  })
  test('one of several objectives, or a target, which is to be low', () => {
    const trials = [complete(0, [3, 10]), complete(1, [2, 30]), complete(2, [1, 20])]
    const study = view(trials, ['minimize', 'maximize'])
    expect(optimizationHistory(study, { objective: 1 }).best.map(b => b.value)).toEqual([10, 30, 30])
    const target = optimizationHistory(study, { target: t => t.values![0]! * 2, targetName: 'double' })
    expect(target).toMatchObject({ name: 'double', direction: 'minimize' })
    expect(target.best.map(b => b.value)).toEqual([6, 4, 2])
    expect(() => optimizationHistory(study, { objective: 2 })).toThrow(
      expect.objectContaining({ code: 'unknown-objective' }),
    )
  })
  test('values of many magnitudes are drawn in logarithms, and a few far ones are left out and told of', () => {
    const wide = [1e-3, 1, 50, 0.2].map((v, i) => complete(i, [v]))
    expect(optimizationHistoryChart(optimizationHistory(view(wide))).yLog).toBe(true)
    const far = [-1, -1.5, -2, -1.2, -1.9, -1.1, 1e6].map((v, i) => complete(i, [v]))
    const chart = optimizationHistoryChart(optimizationHistory(view(far)))
    expect(chart.yRange![1]).toBeLessThan(100)
    expect(chart.note).toContain('1 value lies beyond')
  })
})

test('goodness is the share of trials that are no better, equal ones sharing theirs', () => {
  expect(goodness([5, 1, 3], 'minimize')).toEqual([0, 1, 0.5])
  expect(goodness([5, 1, 3], 'maximize')).toEqual([1, 0, 0.5])
  expect(goodness([2, 2, 2], 'minimize')).toEqual([0.5, 0.5, 0.5])
  expect(goodness([7], 'minimize')).toEqual([1])
})

test('intermediate values keep the order of steps and name the best trial', async () => {
  const study = await awkward()
  const record = intermediateValues(study)
  expect(record.trials.every(t => t.points.map(([step]) => step).join() === '0,1,2')).toBe(true)
  const ended = study.trials.filter(t => t.state === 'COMPLETE')
  const best = ended.reduce((a, b) => (b.values![0]! < a.values![0]! ? b : a))
  expect(record.best).toBe(best.number)
  const chart = intermediateValuesChart(record)
  expect(chart.series.filter(s => !s.muted).map(s => s.name)).toEqual([`trial ${best.number}, the best`])
  expect(chart.series.some(s => s.dashed)).toBe(true)
})

test('figures over parameters break where a trial was not asked, and leave out what never varies', async () => {
  const study = await awkward()
  const finite = study.trials.filter(t => t.state === 'COMPLETE' && Number.isFinite(t.values![0]))
  const lines = parallelCoordinates(study)
  expect(lines.lines).toHaveLength(finite.length)
  const leaves = lines.parameters.findIndex(p => p.name === 'leaves')
  for (const [i, line] of lines.lines.entries())
    expect(line.places[leaves] === null).toBe(finite[i]!.params.kind !== 'tree')
  const chart = parallelCoordinatesChart(lines)
  for (const line of chart.lines)
    for (const at of line.at) if (at !== null) expect(at >= 0 && at <= 1, `${line.label} at ${at}`).toBe(true)
  expect(chart.axes.find(a => a.label === 'kind')!.ticks.map(t => t.text)).toEqual(['tree', 'net', 'null'])

  const panels = sliceCharts(slice(study)).panels
  const trees = finite.filter(t => t.params.kind === 'tree').length
  expect(panels.map(p => p.title)).toEqual(['kind', 'x', `leaves (in ${trees} of ${finite.length} trials)`])
  const pairs = rank(study).panels.map(p => `${p.x.name}, ${p.y.name}: ${p.points.length}`)
  expect(pairs).toEqual([`kind, x: ${finite.length}`, `kind, leaves: ${trees}`, `x, leaves: ${trees}`])
  expect(contour(study).panels.map(p => `${p.x.name}, ${p.y.name}`)).toEqual(['x, leaves'])
})

test('a parameter that no trial has is refused', async () => {
  const study = await awkward()
  for (const figure of [slice, rank, parallelCoordinates, contour])
    expect(() => figure(study, { params: ['y'] })).toThrow(expect.objectContaining({ code: 'unknown-parameter' }))
})

test('a contour is low where trials were good', async () => {
  const study = await createStudy({ direction: 'maximize', sampler: random({ seed: 4 }) })
  await study.optimize(trial => -((trial.suggestFloat('x', -1, 1) - 0.5) ** 2) - trial.suggestFloat('y', -1, 1) ** 2, {
    trials: 40,
  })
  const record = contour(await study.snapshot())
  const { xs, ys, values } = record.panels[0]!
  const top = values
    .flatMap((row, r) => row.map((v, c) => [v, xs[c]!, ys[r]!] as const))
    .sort((a, b) => b[0] - a[0])[0]!
  expect(Math.hypot(top[1] - 0.5, top[2])).toBeLessThan(0.35)
  const chart = contourCharts(record).panels[0]!
  expect(chart).toMatchObject({ kind: 'surface', xLabel: 'x', yLabel: 'y', marks: [{ label: 'best' }] })
})

test('EDF counts trials up to each value, for several studies', () => {
  const one = view([1, 2, 2, 4].map((v, i) => complete(i, [v])))
  const other = { ...view([complete(0, [3])]), name: 'other' }
  const record = edf([one, other])
  expect(record.studies[0]!.points).toEqual([
    [1, 0.25],
    [2, 0.75],
    [4, 1],
  ])
  const chart = edfChart(record)
  expect(chart.series.map(s => s.name)).toEqual(['test (4)', 'other (1)'])
  for (const { points } of chart.series) expect(points.at(-1)![1]).toBe(1)
})

test('a timeline has as many lanes as trials ran at a time', () => {
  const at = (from: number, to: number) => ({ start: new Date(1000 * from), complete: new Date(1000 * to) })
  const trials = [
    complete(0, [1], at(10, 20)),
    complete(1, [1], at(12, 15)),
    complete(2, [1], at(15, 30)),
    { ...complete(3, []), state: 'RUNNING' as const, start: new Date(25_000), complete: null },
    { ...freshTrial(), id: 4, number: 4, state: 'WAITING' as const, start: null },
  ]
  const record = timeline(view(trials))
  expect(record.lanes).toBe(2)
  expect(record.trials.map(t => [t.lane, t.from, t.to])).toEqual([
    [0, 0, 10],
    [1, 2, 5],
    [1, 5, 20],
    [0, 15, 20],
  ])
  expect(timelineChart(record)).toMatchObject({ xLabel: 'since the first trial began (s)', rows: 2 })
})

describe('several objectives', () => {
  const trials = [
    complete(0, [1, 1]),
    complete(1, [2, 3]),
    complete(2, [3, 2]),
    complete(3, [4, 4], violating),
    complete(4, [5, 3.5]),
  ]
  const study = view(trials, ['minimize', 'maximize'])
  test('the front is of feasible trials that none beats', () => {
    const record = paretoFront(study)
    expect(record.trials.filter(t => t.best).map(t => t.number)).toEqual([0, 1, 4])
    expect(paretoFrontCharts(record)).toHaveLength(1)
  })
  test('three objectives are drawn in pairs', () => {
    const three = view([complete(0, [1, 2, 3]), complete(1, [3, 2, 1])], ['minimize', 'minimize', 'minimize'])
    expect(paretoFrontCharts(paretoFront(three)).map(c => c.title)).toHaveLength(3)
  })
  test('hypervolume grows only by feasible trials of the front', () => {
    const { points, reference } = hypervolumeHistory(study, { reference: [6, 0] })
    expect(points.map(p => p.value)).toEqual([5, 13, 13, 13, 13.5])
    expect(reference).toEqual([6, 0])
    expect(hypervolumeHistory(study).reference.map(x => Number(x.toFixed(9)))).toEqual([5.4, 0.7])
  })
  test('one objective has no front, and a reference has as many numbers as objectives', () => {
    expect(() => paretoFront(view([]))).toThrow(expect.objectContaining({ code: 'one-objective' }))
    expect(() => hypervolumeHistory(study, { reference: [1] })).toThrow(
      expect.objectContaining({ code: 'hypervolume' }),
    )
  })
})

describe('nothing to see', () => {
  const failed = view([{ ...freshTrial(), id: 0, number: 0, state: 'FAIL' }])
  const figures = {
    optimizationHistory,
    parallelCoordinates,
    slice,
    contour,
    rank,
    edf,
    importances,
    terminatorImprovement,
  } as const
  test.each(Object.entries(figures))('%s says so', (_, figure) => {
    expect(figure(view([])).missing).toBe('There are no trials yet.')
    expect(figure(failed).missing).toBe('No trial is complete yet: 1 failed.')
  })
  test('intermediate values, timeline, fronts and hypervolumes say so', () => {
    expect(intermediateValues(view([])).missing).toContain('No trial reported')
    expect(timeline(view([])).missing).toBe('No trial has begun.')
    const two = view([], ['minimize', 'minimize'])
    expect(paretoFront(two).missing).toBe('There are no trials yet.')
    expect(hypervolumeHistory(two)).toMatchObject({ reference: [], points: [], missing: 'There are no trials yet.' })
  })
  test('trials without parameters have no importances', () => {
    const bare = view([complete(0, [1]), complete(1, [2])])
    expect(importances(bare).missing).toBe('The trials have no parameters.')
    expect(slice(bare).missing).toBe('The trials have no parameters.')
    expect(rank(bare).missing).toBe('Fewer than two parameters vary.')
    expect(terminatorImprovement(bare).missing).toContain('nothing to fit')
  })
})
