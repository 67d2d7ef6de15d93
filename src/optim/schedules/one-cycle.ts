import { z } from 'zod'
import { ConfigError } from '../../ir/index.js'
import { byCosine, linearly } from './blend.js'
import { defineSchedule } from './define.js'
import { fraction, positive, rate, steps } from './options.js'

const shape = {
  /** Updates of the whole training (epochs · batches per epoch); in short `steps`. */
  totalSteps: steps(),
  /** Share of the training in which the rate rises, 0 to 1 (to 0.5 with threePhase); default 0.3 (fastai: 0.25). */
  pctStart: fraction().default(0.3),
  /** The way between rates; default `cos`. */
  annealStrategy: z.enum(['cos', 'linear']).default('cos'),
  /** Rise, fall back to where it began in as many steps, then fall to the end: Smith's own form; default false. */
  threePhase: z.boolean().default(false),
  /** Lowest momentum, where the rate is highest; default 0.85. */
  baseMomentum: fraction().default(0.85),
  /** Highest momentum, at both ends; default 0.95. */
  maxMomentum: fraction().default(0.95),
  /** After totalSteps updates: `error`, as in PyTorch, or `hold` the final rate; default `error`. */
  pastEnd: z.enum(['error', 'hold']).default('error'),
}
const rates = {
  /** The highest rate; in short `max`. `model.findLearningRate` suggests one. */
  maxLearningRate: rate(),
  /** The first rate is max / divFactor; default 25. */
  divFactor: positive().default(25),
  /** The last rate is the first one / finalDivFactor; default 1e4 (fastai: max / 1e5, that is 4e3 here). */
  finalDivFactor: positive().default(1e4),
}
type Shape = z.output<z.ZodObject<typeof shape>>

const risesTooLong = (o: Shape) => !(o.threePhase && o.pctStart > 0.5)
const half = { path: ['pctStart'], error: 'at most 0.5 with threePhase: the way back is as long as the rise' }

/** Goes through phases from one of `stops` to the next. A phase ends on its last step, so that the training does too. */
const cycle = (o: Shape, stops: readonly number[], where: string) => {
  const rise = o.pctStart * o.totalSteps - 1
  const ends = o.threePhase ? [rise, 2 * rise, o.totalSteps - 1] : [rise, o.totalSteps - 1]
  const blend = o.annealStrategy === 'cos' ? byCosine : linearly
  return (step: number): number => {
    if (step > o.totalSteps && o.pastEnd === 'error')
      throw new ConfigError({
        code: 'schedule-past-end',
        where,
        expected: `at most totalSteps = ${o.totalSteps} updates`,
        received: step,
        hint: "make totalSteps the updates of the whole training (epochs · batches per epoch), or say pastEnd: 'hold'",
      })
    const found = ends.findIndex(end => step <= end)
    const phase = found === -1 ? ends.length - 1 : found
    const begin = phase === 0 ? 0 : ends[phase - 1]!
    const length = ends[phase]! - begin
    const part = length > 0 ? Math.min((step - begin) / length, 1) : 1
    return blend(stops[phase]!, stops[phase + 1]!, part)
  }
}

/** The momentum that goes with `oneCycle`: from its highest to its lowest and back, as the rate goes up and down. */
export const oneCycleMomentum = defineSchedule('oneCycleMomentum', {
  options: z.strictObject(shape).refine(risesTooLong, half),
  short: { steps: 'totalSteps' },
  rate: o => {
    const [high, low] = [o.maxMomentum, o.baseMomentum]
    return cycle(o, o.threePhase ? [high, low, high, high] : [high, low, high], 'schedules.oneCycleMomentum')
  },
})

/**
 * Up from max / divFactor to max in the first pctStart of the training, then down to max / divFactor /
 * finalDivFactor: Smith & Topin 2018, PyTorch's OneCycleLR, fastai's fit_one_cycle. `.momentum` is the schedule that
 * goes with it, for optimizers whose momentum (or beta1) takes one.
 * The last update of the training, step totalSteps − 1, has the final rate, and so has step totalSteps, which is asked
 * about when the training is over.
 * @throws ConfigError `schedule-past-end` for steps beyond, unless pastEnd is `hold`
 */
export const oneCycle = defineSchedule('oneCycle', {
  options: z.strictObject({ ...rates, ...shape }).refine(risesTooLong, half),
  short: { max: 'maxLearningRate', steps: 'totalSteps' },
  rate: o => {
    const first = o.maxLearningRate / o.divFactor
    const last = first / o.finalDivFactor
    const stops = o.threePhase ? [first, o.maxLearningRate, first, last] : [first, o.maxLearningRate, last]
    return cycle(o, stops, 'schedules.oneCycle')
  },
  extras: ({ maxLearningRate: _max, divFactor: _first, finalDivFactor: _last, ...shared }) => ({
    momentum: oneCycleMomentum(shared),
  }),
})
