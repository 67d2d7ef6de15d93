import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readFigures } from '../../testing/figures.js'
import * as schedules from './index.js'
import { type NamedSchedule, rateAt, type Schedule, type ScheduleConfig } from './schedule.js'
import * as table from './table.js'

type Call = [name: string, ...args: unknown[]]
const factories = table as unknown as Record<string, (...args: unknown[]) => NamedSchedule>

/** Calls a factory; lists that begin with a factory's name are schedules. */
const made = ([name, ...args]: Call): NamedSchedule => factories[name]!(...args.map(argument))
const argument = (value: unknown): unknown =>
  !Array.isArray(value) ? value : typeof value[0] === 'string' ? made(value as Call) : value.map(argument)

/** Every schedule with options in use, and the range of its values. */
const samples: [Call, min: number, max: number][] = [
  [['constant', 0.1], 0.1, 0.1],
  [['exponentialDecay', { initial: 0.1, steps: 10, decayRate: 0.5 }], 0, 0.1],
  [['inverseTimeDecay', { initial: 0.1, steps: 10, decayRate: 0.5, staircase: true }], 0, 0.1],
  [['polynomialDecay', { initial: 0.1, steps: 50, power: 2, cycle: true }], 0.0001, 0.1],
  [['piecewiseConstantDecay', { boundaries: [10, 20], values: [0.3, 0.2, 0.1] }], 0.1, 0.3],
  [['step', { initial: 0.1, stepSize: 9 }], 0, 0.1],
  [['multiStep', { initial: 0.1, milestones: [5, 5, 70] }], 0, 0.1],
  [['cosineDecay', { initial: 0.01, steps: 60, alpha: 0.1, warmupTarget: 0.2, warmupSteps: 7 }], 0.01, 0.2],
  [['cosineDecayRestarts', { initial: 0.1, steps: 11, tMul: 1.7, mMul: 0.8, alpha: 0.2 }], 0.02, 0.1],
  [['oneCycle', { max: 0.1, steps: 100, pastEnd: 'hold' }], 0.1 / 25 / 1e4, 0.1],
  [['oneCycleMomentum', { steps: 100, threePhase: true, pctStart: 0.4, pastEnd: 'hold' }], 0.85, 0.95],
  [['cyclic', { base: 0.1, max: 0.5, stepSizeUp: 13, stepSizeDown: 5, mode: 'exp_range', gamma: 0.99 }], 0.1, 0.5],
  [['cyclicMomentum', { stepSizeUp: 13, mode: 'triangular2' }], 0.8, 0.9],
  [['linear', { initial: 0.1, steps: 30 }], 0.1 / 3, 0.1],
  [['linearWarmup', { learningRate: 0.1, steps: 30 }], 0, 0.1],
  [['noam', { modelSize: 64, warmupSteps: 20 }], 0, (64 * 20) ** -0.5],
  [['inverseSquareRoot', { learningRate: 0.1, warmupSteps: 20 }], 0, 0.1],
  [['wsd', { learningRate: 0.1, steps: 90, warmupSteps: 9, decaySteps: 30, decay: 'exponential', end: 0.001 }], 0, 0.1],
  [['sequence', [0.1, ['step', { initial: 0.2, stepSize: 5 }]], [30]], 0, 0.2],
  [['warmup', ['step', { initial: 0.2, stepSize: 5 }], { steps: 8, from: 0.05 }], 0, 0.2],
  [['scale', ['step', { initial: 0.2, stepSize: 5 }], ['linearWarmup', { learningRate: 3, steps: 9 }]], 0, 0.6],
  [['chain', [0.5, ['step', { initial: 0.2, stepSize: 5 }], ['linearWarmup', { learningRate: 2, steps: 9 }]]], 0, 0.2],
]

const figures = readFigures<{ cases: { source: string; call: Call; values: number[] }[] }>(
  new URL('./figures/reference.json', import.meta.url),
)
describe('schedules have the values of Keras, PyTorch and the papers at every step', () => {
  test.each(figures.cases.map(c => [c.source, JSON.stringify(c.call), c] as const))('%s %s', (_s, _c, figure) => {
    const schedule = made(figure.call)
    figure.values.forEach((wanted, step) => {
      // Relative; where PyTorch's chained products should have come to 0, an absolute 1e-16 is left.
      expect(Math.abs(schedule(step) - wanted), `step ${step}: ${schedule(step)}, wanted ${wanted}`).toBeLessThan(
        1e-6 * Math.abs(wanted) + 1e-15,
      )
    })
  })

  test('there are figures for all but those that compose by definition', () => {
    const covered = new Set(figures.cases.map(c => c.call[0]))
    expect(
      Object.keys(table)
        .filter(name => !covered.has(name))
        .sort(),
    ).toEqual(['constant', 'map', 'scale'])
  })
})

describe('every schedule', () => {
  test('is in the samples below, but for map, whose function no config can hold', () => {
    expect(samples.map(([[name]]) => name).sort()).toEqual(
      Object.keys(table)
        .filter(name => name !== 'map')
        .sort(),
    )
  })

  const step = fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 1e9 }), fc.double({ min: 0, max: 300, noNaN: true }))
  describe.each(samples)('%j', (call, min, max) => {
    const schedule = made(call)

    test('stays finite and between its lowest and highest rate', () => {
      fc.assert(
        fc.property(step, at => {
          const value = schedule(at)
          expect(value).toBeGreaterThanOrEqual(min * (1 - 1e-12))
          expect(value).toBeLessThanOrEqual(max * (1 + 1e-12))
          expect(schedule(at)).toBe(value)
        }),
      )
    })

    test('is made again from its config, which is plain JSON', () => {
      const config = JSON.parse(JSON.stringify(schedule.config)) as ScheduleConfig
      expect(config).toEqual(schedule.config)
      const again = schedules.scheduleFromConfig(config)
      expect(again.config).toEqual(schedule.config)
      fc.assert(
        fc.property(step, at => {
          expect(again(at)).toBe(schedule(at))
        }),
      )
    })

    test('refuses steps that are no number of updates', () => {
      for (const at of [-1, Number.NaN, Number.POSITIVE_INFINITY])
        expect(() => schedule(at)).toThrow(expect.objectContaining({ name: 'ConfigError', code: 'bad-step' }))
    })
  })
})

describe('a config', () => {
  test('has full names and defaults, however the schedule was called', () => {
    expect(schedules.cosineDecay({ initial: 1e-3, steps: 2000 }).config).toEqual({
      type: 'cosineDecay',
      initialLearningRate: 1e-3,
      decaySteps: 2000,
      alpha: 0,
      warmupTarget: null,
      warmupSteps: 0,
    })
    expect(schedules.constant(0.1).config).toEqual(schedules.constant({ learningRate: 0.1 }).config)
  })

  test('holds the configs of the schedules inside it', () => {
    const inner = schedules.step({ initial: 1, stepSize: 5 })
    expect(schedules.sequence([0.5, schedules.warmup(inner, { steps: 2 })], [9]).config).toEqual({
      type: 'sequence',
      schedules: [0.5, { type: 'warmup', schedule: inner.config, steps: 2, from: 0 }],
      boundaries: [9],
    })
  })

  test('of a type that is none is refused with the nearest, and so is one nested without end', () => {
    const from = schedules.scheduleFromConfig
    expect(() => from({ type: 'cosineDeacy' })).toThrow(/unknown-schedule.*did you mean cosineDecay\?/i)
    expect(() => from({ type: 'toString' })).toThrow(expect.objectContaining({ code: 'unknown-schedule' }))
    expect(() => from(null as unknown as ScheduleConfig)).toThrow(expect.objectContaining({ name: 'ConfigError' }))
    expect(() => from({ type: 'scale', schedule: { type: 'nosuch' }, factor: 1 })).toThrow(/nosuch/)
    let deep: ScheduleConfig = schedules.constant(1).config
    for (let i = 0; i < 5000; i++) deep = { type: 'scale', schedule: deep, factor: 1 }
    expect(() => from(deep)).toThrow(expect.objectContaining({ code: 'schedule-depth' }))
  })
})

describe('composition', () => {
  const rate = fc.double({ min: 1e-6, max: 10, noNaN: true })
  const any: fc.Arbitrary<Schedule> = fc.oneof(
    rate,
    fc
      .tuple(rate, fc.integer({ min: 1, max: 50 }))
      .map(([initial, steps]) => schedules.cosineDecay({ initial, steps })),
    rate.map(initial => (step: number) => initial / (1 + step)),
  )
  const at = fc.nat({ max: 200 })
  const value = (s: Schedule, step: number) => (typeof s === 'function' ? s(step) : s)

  test('a sequence is each of its parts in turn, each from its own step 0', () => {
    fc.assert(
      fc.property(any, any, any, at, fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 99 }), (...args) => {
        const [a, b, c, step, first, more] = args
        const whole = schedules.sequence([a, b, c], [first, first + more])
        const part =
          step < first ? value(a, step) : step < first + more ? value(b, step - first) : value(c, step - first - more)
        expect(whole(step)).toBe(part)
      }),
    )
  })

  test('a chain is the product of its parts, scale that of two, map the function of one', () => {
    fc.assert(
      fc.property(any, any, at, (a, b, step) => {
        expect(schedules.chain([a, b])(step)).toBe(value(a, step) * value(b, step))
        expect(schedules.scale(a, b)(step)).toBe(value(a, step) * value(b, step))
        expect(schedules.map(a, (r, s) => r + s)(step)).toBe(value(a, step) + step)
      }),
    )
  })

  test('a warmup rises in a straight line to where the schedule begins', () => {
    fc.assert(
      fc.property(any, rate, fc.integer({ min: 1, max: 50 }), at, (a, from, steps, step) => {
        const whole = schedules.warmup(a, { steps, from })
        if (step >= steps) expect(whole(step)).toBe(value(a, step - steps))
        else expect(whole(step)).toBeCloseTo(from + ((value(a, 0) - from) * step) / steps, 12)
      }),
    )
  })

  test('warmup and cosine together are the cosine decay that has a warmup', () => {
    const whole = schedules.cosineDecay({ initial: 0.01, steps: 70, warmupTarget: 0.3, warmupSteps: 20, alpha: 0.2 })
    const parts = schedules.warmup(schedules.cosineDecay({ initial: 0.3, steps: 70, alpha: 0.2 }), {
      steps: 20,
      from: 0.01,
    })
    for (let i = 0; i < 120; i++) expect(parts(i)).toBe(whole(i))
  })

  test('noam is the inverse square root one step later', () => {
    const noam = schedules.noam({ modelSize: 100, warmupSteps: 25 })
    const root = schedules.inverseSquareRoot({ learningRate: 0.1 * 25 ** -0.5, warmupSteps: 25 })
    for (let i = 0; i < 200; i++) expect(noam(i)).toBeCloseTo(root(i + 1), 14)
  })
})

describe('past its end', () => {
  test('a schedule holds its final rate', () => {
    for (const [schedule, last] of [
      [schedules.polynomialDecay({ initial: 1, steps: 10, end: 0.2 }), 0.2],
      [schedules.cosineDecay({ initial: 1, steps: 10, alpha: 0.3 }), 0.3],
      [schedules.wsd({ learningRate: 1, steps: 10, decaySteps: 4, end: 0.1 }), 0.1],
      [schedules.linear({ initial: 2, steps: 10, endFactor: 0.5 }), 1],
      [schedules.oneCycle({ max: 25, steps: 10, pastEnd: 'hold' }), 1e-4],
    ] as const)
      for (const step of [10, 11, 1e7]) expect(schedule(step)).toBeCloseTo(last, 14)
  })

  test('one-cycle is an error, but not for the step that is asked about when training is over', () => {
    const cycle = schedules.oneCycle({ max: 1, steps: 100 })
    expect(cycle(100)).toBe(cycle(99))
    for (const schedule of [cycle, cycle.momentum])
      expect(() => schedule(101)).toThrow(expect.objectContaining({ name: 'ConfigError', code: 'schedule-past-end' }))
  })
})

test('restarts begin with their full rate, though logarithms round', () => {
  for (const tMul of [1, 1.1, 1.5, 2, 3, 5, 10]) {
    const schedule = schedules.cosineDecayRestarts({ initial: 1, steps: 1000, tMul })
    let begin = 0
    for (let period = 0; period < 12 && begin < 1e8; period++) {
      expect(schedule(begin), `tMul ${tMul}, period ${period}`).toBeCloseTo(1, 12)
      begin += 1000 * tMul ** period
      expect(schedule(begin - 1), `tMul ${tMul}, end of period ${period}`).toBeLessThan(1e-5)
    }
  }
})

test('one-cycle and cyclic carry the momentum that goes with them, which falls as the rate rises', () => {
  const cycle = schedules.oneCycle({ max: 1, steps: 100, maxMomentum: 0.9 })
  expect(cycle.momentum.config).toMatchObject({ type: 'oneCycleMomentum', totalSteps: 100, maxMomentum: 0.9 })
  expect([cycle.momentum(0), cycle.momentum(29), cycle.momentum(99)].map(m => m.toFixed(6))).toEqual([
    '0.900000',
    '0.850000',
    '0.900000',
  ])
  const wave = schedules.cyclic({ base: 0, max: 1, stepSizeUp: 10 })
  for (let i = 0; i < 50; i++) expect(wave.momentum(i)).toBeCloseTo(0.9 - 0.1 * wave(i), 14)
})

describe('bad options are refused', () => {
  test.each<[string, unknown[], code: string, where: string]>([
    ['constant', [-0.1], 'bad-option', 'constant.learningRate'],
    ['constant', ['0.1'], 'bad-option', 'constant'],
    ['constant', [], 'bad-option', 'constant'],
    ['constant', [null], 'bad-option', 'constant'],
    ['cosineDecay', [{ initial: -1, steps: 10 }], 'bad-option', 'cosineDecay.initialLearningRate'],
    ['cosineDecay', [{ initial: 1, steps: 0 }], 'bad-option', 'cosineDecay.decaySteps'],
    ['cosineDecay', [{ initial: Number.NaN, steps: 9 }], 'bad-option', 'cosineDecay.initialLearningRate'],
    ['cosineDecay', [{ initial: 1, steps: Number.POSITIVE_INFINITY }], 'bad-option', 'cosineDecay.decaySteps'],
    ['cosineDecay', [{ initial: 1 }], 'bad-option', 'cosineDecay.decaySteps'],
    ['cosineDecay', [{ initial: 1, steps: 9, decaySteps: 9 }], 'option-given-twice', 'cosineDecay.steps'],
    ['cosineDecay', [{ initial: 1, steps: 9, alpha: 1.5 }], 'bad-option', 'cosineDecay.alpha'],
    ['cosineDecay', [{ initial: 1, steps: 9, warmupSteps: 3 }], 'bad-option', 'cosineDecay.warmupTarget'],
    ['cosineDecayRestarts', [{ initial: 1, steps: 9, tMul: 0.5 }], 'bad-option', 'cosineDecayRestarts.tMul'],
    ['exponentialDecay', [{ initial: 1, steps: -3, decayRate: 1 }], 'bad-option', 'exponentialDecay.decaySteps'],
    ['exponentialDecay', [{ initial: 1, steps: 3, decayRate: -1 }], 'bad-option', 'exponentialDecay.decayRate'],
    [
      'inverseTimeDecay',
      [{ initial: 1, steps: 3, decayRate: 1, staircase: 1 }],
      'bad-option',
      'inverseTimeDecay.staircase',
    ],
    ['polynomialDecay', [{ initial: 1, steps: 3, end: -1 }], 'bad-option', 'polynomialDecay.endLearningRate'],
    [
      'piecewiseConstantDecay',
      [{ boundaries: [5, 5], values: [1, 2, 3] }],
      'bad-option',
      'piecewiseConstantDecay.boundaries',
    ],
    ['piecewiseConstantDecay', [{ boundaries: [5], values: [1] }], 'bad-option', 'piecewiseConstantDecay.values'],
    ['piecewiseConstantDecay', [{ boundaries: [5], values: [1, -1] }], 'bad-option', 'piecewiseConstantDecay.values.1'],
    ['step', [{ initial: 1, stepSize: 0 }], 'bad-option', 'step.stepSize'],
    ['multiStep', [{ initial: 1, milestones: [9, 3] }], 'bad-option', 'multiStep.milestones'],
    ['oneCycle', [{ max: 1, steps: 10, pctStart: 1.2 }], 'bad-option', 'oneCycle.pctStart'],
    ['oneCycle', [{ max: 1, steps: 10, pctStart: 0.6, threePhase: true }], 'bad-option', 'oneCycle.pctStart'],
    ['oneCycle', [{ max: 1, steps: 10, annealStrategy: 'cosine' }], 'bad-option', 'oneCycle.annealStrategy'],
    ['oneCycle', [{ max: 1, steps: 10, divFactor: 0 }], 'bad-option', 'oneCycle.divFactor'],
    ['cyclic', [{ base: 1, max: 0.5 }], 'bad-option', 'cyclic.maxLearningRate'],
    ['cyclic', [{ base: 0, max: 1, mode: 'square' }], 'bad-option', 'cyclic.mode'],
    ['linearWarmup', [{ learningRate: 1, steps: 0 }], 'bad-option', 'linearWarmup.warmupSteps'],
    ['noam', [{ modelSize: 0 }], 'bad-option', 'noam.modelSize'],
    ['wsd', [{ learningRate: 1, steps: 10, warmupSteps: 6, decaySteps: 5 }], 'bad-option', 'wsd.totalSteps'],
    ['wsd', [{ learningRate: 1, steps: 10, decaySteps: 5, decay: 'exponential' }], 'bad-option', 'wsd.endLearningRate'],
    ['sequence', [[0.1, 0.2], []], 'bad-option', 'sequence.boundaries'],
    [
      'sequence',
      [
        [0.1, 0.2, 0.3],
        [5, 4],
      ],
      'bad-option',
      'sequence.boundaries',
    ],
    ['sequence', [[], []], 'bad-options', 'sequence'],
    ['sequence', [[0.1, { learningRate: 1 }], [4]], 'bad-option', 'sequence.schedules.1'],
    ['warmup', [0.1, { steps: 0 }], 'bad-option', 'warmup.steps'],
    ['warmup', [0.1], 'bad-option', 'warmup.steps'],
    ['scale', [0.1, -2], 'bad-option', 'scale.factor'],
    ['map', [0.1, 3], 'bad-option', 'map.f'],
  ])('%s %j', (name, args, code, where) => {
    expect(() => factories[name]!(...args)).toThrow(
      expect.objectContaining({ name: 'ConfigError', code, where: `schedules.${where}` }),
    )
  })

  test('an unknown one with the nearest name, and all problems at once', () => {
    expect(() => factories.cosineDecay!({ initial: 1, decayStep: 5 })).toThrow(/decayStep.*did you mean decaySteps/i)
    expect(() => factories.cosineDecay!({ initial: -1, steps: 0, alpha: 7 })).toThrow(
      expect.objectContaining({ code: 'bad-options', problems: expect.objectContaining({ length: 3 }) }),
    )
  })

  test('a function of the user’s own that gives no rate', () => {
    const codes = expect.objectContaining({ name: 'ConfigError', code: 'learning-rate' })
    for (const bad of [Number.NaN, -1e-9, Number.POSITIVE_INFINITY, '0.1', undefined])
      expect(() => rateAt((() => bad) as () => number, 3)).toThrow(codes)
    expect(() =>
      rateAt(
        schedules.map(1, () => -1),
        3,
      ),
    ).toThrow(/at learning rate at step 3/)
    expect(rateAt(schedules.constant(0.1), 3)).toBe(0.1)
    expect(rateAt(0, 3)).toBe(0)
  })
})

test('options are typed: short or full names, none forgotten, none invented', () => {
  const typed = () => {
    schedules.cosineDecay({ initial: 1, decaySteps: 5, alpha: 0.1 })
    schedules.oneCycle({ maxLearningRate: 1, steps: 5 }).momentum(0)
    // @ts-expect-error: decaySteps (or steps) is missing
    schedules.cosineDecay({ initial: 1 })
    // @ts-expect-error: no such option
    schedules.cosineDecay({ initial: 1, steps: 5, beta: 3 })
    // @ts-expect-error: no such mode
    schedules.cyclic({ base: 0, max: 1, mode: 'square' })
  }
  expect(typed).toThrow() // the last three are errors at run time too
})
