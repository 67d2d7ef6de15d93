import { layers } from '../../nn/index.js'
import { sgd } from '../../optim/index.js'
import { sequential } from '../../train/index.js'
import {
  categorical,
  createStudy,
  type FrozenTrial,
  float,
  type samplers,
  space,
  type TuneModelOptions,
  tuneModel,
} from '../../tune/index.js'
import { loadDigits } from '../compare/digits.js'
import type { ProblemResult } from './record.js'

type Sampler = ReturnType<typeof samplers.random>

export interface Problem
  extends Pick<ProblemResult, 'name' | 'what' | 'valueLabel' | 'least' | 'parameters' | 'plane'> {
  /** A grid of at most so many points. */
  readonly grid: (trials: number) => Readonly<Record<string, readonly number[]>>
  /** Trials by number, each with a value to be minimized or none. */
  readonly search: (sampler: Sampler, trials: number, seed: number) => Promise<readonly FrozenTrial[]>
}

/** `count` values from low to high; one alone lies in the middle. */
export function levels(low: number, high: number, count: number, log = false): number[] {
  const [a, b] = log ? [Math.log(low), Math.log(high)] : [low, high]
  return Array.from({ length: count }, (_, i) => {
    const x = count === 1 ? (a + b) / 2 : a + ((b - a) * i) / (count - 1)
    return log ? Math.exp(Math.min(Math.max(x, a), b)) : x
  }).map(x => Math.min(Math.max(x, low), high))
}

const branin = (x: number, y: number): number =>
  (y - (5.1 / (4 * Math.PI ** 2)) * x ** 2 + (5 / Math.PI) * x - 6) ** 2 +
  10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) +
  10

const PLANE = 60

/** A smooth function with three equal valleys: cheap, and it can be seen where a sampler looks. */
export function braninProblem(): Problem {
  const [xs, ys] = [levels(-5, 10, PLANE), levels(0, 15, PLANE)]
  return {
    name: 'Branin',
    what: 'a smooth function of two variables with three valleys of equal depth',
    valueLabel: 'value',
    least: 0.397887,
    parameters: ['x', 'y'],
    plane: { x: xs, y: ys, values: ys.map(y => xs.map(x => branin(x, y))) },
    grid: trials => {
      const side = Math.max(Math.floor(Math.sqrt(trials)), 1)
      return { x: levels(-5, 10, side), y: levels(0, 15, side) }
    },
    search: async (sampler, trials) => {
      const study = await createStudy({ sampler })
      await study.optimize(trial => branin(trial.suggestFloat('x', -5, 10), trial.suggestFloat('y', 0, 15)), { trials })
      return study.trials()
    },
  }
}

const UNITS = [8, 16, 32, 64] as const

/** A small network on few digits, its rate, momentum and width to be found. */
export async function digitsProblem(quick: boolean): Promise<Problem> {
  const digits = await loadDigits({ examples: quick ? 150 : 300, wrong: 0, quick: true })
  const epochs = quick ? 3 : 5
  const dimensions = space({
    learningRate: float(1e-3, 1, { log: true }),
    momentum: float(0, 0.99),
    units: categorical(UNITS),
  })
  return {
    name: 'digits',
    what: `a network with one hidden layer, trained by SGD on ${digits.about.training} digits for ${epochs} epochs`,
    valueLabel: 'validation loss (nats)',
    least: null,
    parameters: ['learningRate', 'momentum', 'units'],
    plane: null,
    grid: trials => {
      const side = Math.max(Math.floor(Math.sqrt(trials / UNITS.length)), 1)
      return { learningRate: levels(1e-3, 1, side, true), momentum: levels(0, 0.99, side), units: UNITS }
    },
    search: async (sampler, trials, seed) => {
      const study = await createStudy({ sampler })
      const { x, y } = digits.training(seed)
      const options: TuneModelOptions = {
        study,
        trials,
        seed,
        catch: true,
        fit: { epochs, batchSize: 32, validationData: { x: digits.validation.x, y: digits.validation.y } },
      }
      await tuneModel(
        ({ learningRate, momentum, units }) => {
          const model = sequential([
            layers.dense({ units, activation: 'relu', inputShape: [784] }),
            layers.dense({ units: 10, activation: 'softmax' }),
          ])
          model.compile({ optimizer: sgd({ learningRate, momentum }), loss: 'categoricalCrossentropy' })
          return model
        },
        { x, y },
        dimensions,
        options,
      )
      return study.trials()
    },
  }
}
