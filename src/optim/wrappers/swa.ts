import * as ops from '../../ops/index.js'
import type { Optimizer } from '../optimizer.js'
import { flag, resolveOptions, whole } from '../options.js'
import { averaged } from './averaged.js'
import { checkInGraph } from './inner.js'
import { saved } from './saved.js'

export interface SwaOptions {
  /** Number of batches before the first weights are taken. Default 0. */
  start?: number
  /** Take weights each time after this many batches; one epoch's worth is usual. Default 1. */
  frequency?: number
  /** Evaluate, predict and save with the averages. Default true. */
  evaluate?: boolean
  /** Write the averages over the weights at the end of fit. Default false. */
  finalize?: boolean
}

/**
 * Stochastic weight averaging (Izmailov et al. 2018): the plain mean of the weights at every `frequency`-th update after
 * `start`; until then the average is the weights. Take it with a constant or cyclic learning rate. The statistics of
 * batch normalization belong to other weights: `model.refreshStatistics(data)` computes them anew.
 */
export function swa(inner: Optimizer, options: SwaOptions = {}): Optimizer {
  checkInGraph(inner, 'optimizers.swa')
  const config = resolveOptions(
    'optimizers.swa',
    options,
    { start: 0, frequency: 1, evaluate: true, finalize: false },
    { start: whole(0), frequency: whole(1), evaluate: flag },
  )
  const { start, frequency } = config
  const phase = (batches: number): string => {
    const after = batches + 1
    if (after <= start) return 'follow'
    return (after - start) % frequency === 0 ? 'take' : after - start < frequency ? 'follow' : 'keep'
  }
  return {
    ...averaged(inner, 'swa', {
      phase,
      trace: (context, average, value) => {
        if (context.phase === 'keep') return null
        if (context.phase === 'follow') return { average: ops.identity(value) }
        const share = context.scalar('optimizer/swa/share', info => frequency / (info.step - start))
        return { average: ops.add(average, ops.mul(ops.sub(value, average), share)) }
      },
      evaluate: config.evaluate,
    }),
    ...saved('swa', inner, config),
    finalize: config.finalize,
  }
}
