import * as ops from '../../ops/index.js'
import type { Optimizer } from '../optimizer.js'
import { above, resolveOptions, whole } from '../options.js'
import { averaged } from './averaged.js'
import { checkInGraph } from './inner.js'
import { saved } from './saved.js'

export interface LookaheadOptions {
  /** Fast updates to one slow one; default 6. */
  syncPeriod?: number
  /** How far the slow weights go towards the fast ones, above 0 and up to 1; default 0.5. */
  slowStepSize?: number
}

/**
 * Lookahead (Zhang et al. 2019): every `syncPeriod` updates the slow weights go part of the way to the fast ones, and the
 * fast ones go on from there. Names and defaults of TensorFlow Addons; k and α in the paper.
 */
export function lookahead(inner: Optimizer, options: LookaheadOptions = {}): Optimizer {
  checkInGraph(inner, 'optimizers.lookahead')
  const config = resolveOptions(
    'optimizers.lookahead',
    options,
    { syncPeriod: 6, slowStepSize: 0.5 },
    { syncPeriod: whole(1), slowStepSize: x => above(0)(x) ?? ((x as number) <= 1 ? null : 'at most 1') },
  )
  const updates = inner.updates ?? (batches => batches)
  const syncs = (batches: number): boolean => {
    const after = updates(batches + 1)
    return after > updates(batches) && after % config.syncPeriod === 0
  }
  const wrapped = averaged(inner, 'lookahead', {
    phase: batches => (syncs(batches) ? 'sync' : 'fast'),
    trace: ({ phase, scalar }, slow, fast) => {
      if (phase === 'fast') return null
      const share = scalar('optimizer/lookahead/slowStepSize', config.slowStepSize)
      const next = ops.add(slow, ops.mul(ops.sub(fast, slow), share))
      return { average: next, parameter: next }
    },
    evaluate: false,
  })
  // The slow weights are no average to swap in: what inner has stays.
  const { average: _slow, ...rest } = wrapped
  return {
    ...rest,
    ...(inner.average === undefined ? {} : { average: inner.average }),
    ...saved('lookahead', inner, config),
  }
}
