import { ConfigError, scalar, type Value } from '../ir/index.js'
import { logProbabilities, type ResolvedLoss } from '../nn/losses.js'
import * as ops from '../ops/index.js'

const CATEGORICAL = [
  'sparseCategoricalCrossentropy',
  'categoricalCrossentropy',
  'categoricalFocalCrossentropy',
  'klDivergence',
]
const BINARY = ['binaryCrossentropy', 'binaryFocalCrossentropy']

/** Refuses losses whose predictions are no distributions. @throws ConfigError */
export function checkRDrop(losses: readonly ResolvedLoss[]): void {
  for (const { type } of losses)
    if (![...CATEGORICAL, ...BINARY].includes(type))
      throw new ConfigError({
        code: 'r-drop-loss',
        where: 'compile.rDrop',
        expected: `a loss between distributions: ${[...CATEGORICAL, ...BINARY].join(', ')}`,
        received: type,
        hint: 'R-Drop compares the predicted distributions of two passes; leave rDrop out',
      })
}

/**
 * R-Drop's term (Liang et al. 2021): ½(KL(p‖q) + KL(q‖p)) between the predictions of two passes under different dropout
 * masks, averaged over the batch. Both divergences together are Σ (p − q)(log p − log q) / 2.
 */
export function disagreement(loss: ResolvedLoss, first: Value, second: Value): Value {
  const one = scalar(first.graph, first.dtype, 1)
  if (BINARY.includes(loss.type)) {
    const logits = loss.fromLogits
    const p = logits ? ops.sigmoid(first) : ops.clip(first, 1e-7, 1 - 1e-7)
    const q = logits ? ops.sigmoid(second) : ops.clip(second, 1e-7, 1 - 1e-7)
    const logit = (x: Value): Value => ops.log(ops.div(x, ops.sub(one, x)))
    const apart = logits ? ops.sub(first, second) : ops.sub(logit(p), logit(q))
    return ops.mul(ops.reduceMean(ops.mul(ops.sub(p, q), apart), { keepdims: 0 }), 0.5)
  }
  const [logP, logQ] = [logProbabilities(first, loss.fromLogits), logProbabilities(second, loss.fromLogits)]
  const products = ops.mul(ops.sub(ops.exp(logP), ops.exp(logQ)), ops.sub(logP, logQ))
  return ops.mul(ops.reduceMean(ops.reduceSum(products, [-1], { keepdims: 0 }), { keepdims: 0 }), 0.5)
}
