import { sgd } from '../../optim/index.js'
import * as schedules from '../../optim/schedules/index.js'
import type { Recipe } from './recipe.js'

const MOMENTUM = 0.9
const base: Recipe = {
  name: 'constant',
  family: 'none',
  what: 'the same throughout',
  learningRate: 0.1,
  optimizer: learningRate => sgd({ learningRate, momentum: MOMENTUM }),
}
const decay = { ...base, family: 'decay' }
const warm = { ...base, family: 'warmup' }
const cycle = { ...base, family: 'cycles' }
const part = (updates: number, share: number) => Math.max(1, Math.round(updates * share))

/** Schedules over one training, all with the same highest rate; an entry here is all a new one needs. */
export const scheduleRecipes: readonly Recipe[] = [
  base,
  {
    ...decay,
    name: 'step',
    what: 'a tenth after half, a hundredth after three quarters',
    schedule: (rate, { updates }) =>
      schedules.piecewiseConstantDecay({
        boundaries: [part(updates, 0.5), part(updates, 0.75)],
        values: [rate, rate / 10, rate / 100],
      }),
  },
  {
    ...decay,
    name: 'exponential',
    what: 'to a hundredth at the end',
    schedule: (rate, { updates }) =>
      schedules.exponentialDecay({ initialLearningRate: rate, decaySteps: updates, decayRate: 0.01 }),
  },
  {
    ...decay,
    name: 'inverse time',
    what: 'to an eleventh at the end',
    schedule: (rate, { updates }) =>
      schedules.inverseTimeDecay({ initialLearningRate: rate, decaySteps: part(updates, 0.1), decayRate: 1 }),
  },
  {
    ...decay,
    name: 'polynomial',
    what: 'in a straight line to zero',
    schedule: (rate, { updates }) =>
      schedules.polynomialDecay({ initialLearningRate: rate, decaySteps: updates, endLearningRate: 0, power: 1 }),
  },
  {
    ...decay,
    name: 'cosine',
    what: 'half a cosine to zero',
    schedule: (rate, { updates }) => schedules.cosineDecay({ initialLearningRate: rate, decaySteps: updates }),
  },
  {
    ...warm,
    name: 'warmup + cosine',
    what: 'up in a tenth of the training, then half a cosine',
    schedule: (rate, { updates }) => {
      const warmupSteps = part(updates, 0.1)
      return schedules.cosineDecay({
        initialLearningRate: 0,
        warmupTarget: rate,
        warmupSteps,
        decaySteps: Math.max(1, updates - warmupSteps),
      })
    },
  },
  {
    ...warm,
    name: 'WSD',
    what: 'warmup in a tenth, stable, down in the last fifth',
    schedule: (rate, { updates }) =>
      schedules.wsd({
        learningRate: rate,
        totalSteps: Math.max(updates, 2),
        warmupSteps: updates > 10 ? part(updates, 0.1) : 0,
        decaySteps: part(updates, 0.2),
      }),
  },
  {
    ...warm,
    name: 'one-cycle',
    what: 'up in three tenths, then far below the start',
    schedule: (rate, { updates }) =>
      schedules.oneCycle({ maxLearningRate: rate, totalSteps: updates, pastEnd: 'hold' }),
  },
  {
    ...cycle,
    name: 'cosine restarts',
    what: 'periods of one, two and four sevenths',
    schedule: (rate, { updates }) =>
      schedules.cosineDecayRestarts({ initialLearningRate: rate, firstDecaySteps: part(updates, 1 / 7), tMul: 2 }),
  },
  {
    ...cycle,
    name: 'triangular',
    what: 'three times up from a tenth and down again',
    schedule: (rate, { updates }) =>
      schedules.cyclic({
        baseLearningRate: rate / 10,
        maxLearningRate: rate,
        stepSizeUp: part(updates, 1 / 6),
      }),
  },
]
