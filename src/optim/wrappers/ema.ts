import { scalar } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import type { Optimizer } from '../optimizer.js'
import { flag, resolveOptions, upToOne, whole } from '../options.js'
import { averaged } from './averaged.js'
import { checkInGraph } from './inner.js'
import { saved } from './saved.js'

export interface EmaOptions {
  /** How much of the average stays at each update, 0 … 1; default 0.99. */
  momentum?: number
  /** Write the average over the weights each time after this many updates; default null: never. */
  overwriteFrequency?: number | null
  /** Evaluate, predict and save with the averages. Default true. */
  evaluate?: boolean
  /** Write the averages over the weights at the end of fit, as Keras's `use_ema` does. Default false. */
  finalize?: boolean
}

/**
 * An exponential moving average of the weights beside any optimizer: average ← momentum · average + (1 − momentum) · w
 * after each update; the first one is taken as it is (Keras's `use_ema`; Polyak & Juditsky 1992). Training goes on from
 * the weights themselves; what is evaluated, predicted and saved with is the average.
 */
export function ema(inner: Optimizer, options: EmaOptions = {}): Optimizer {
  checkInGraph(inner, 'optimizers.ema')
  const config = resolveOptions(
    'optimizers.ema',
    options,
    { momentum: 0.99, overwriteFrequency: null as number | null, evaluate: true, finalize: false },
    { momentum: upToOne, overwriteFrequency: whole(1), evaluate: flag },
  )
  const updates = inner.updates ?? (batches => batches)
  const overwrites = (batches: number): boolean =>
    config.overwriteFrequency !== null && (updates(batches) + 1) % config.overwriteFrequency === 0
  return {
    ...averaged(inner, 'ema', {
      phase: batches => (overwrites(batches) ? 'overwrite' : 'average'),
      trace: ({ graph, scalar: fed, phase }, average, value) => {
        const momentum = fed('optimizer/ema/momentum', info => (updates(info.step - 1) === 0 ? 0 : config.momentum))
        const rest = ops.sub(scalar(graph, 'float32', 1), momentum)
        const next = ops.add(ops.mul(average, momentum), ops.mul(value, rest))
        return { average: next, ...(phase === 'overwrite' ? { parameter: next } : {}) }
      },
      evaluate: config.evaluate,
    }),
    ...saved('ema', inner, config),
    finalize: config.finalize,
  }
}
