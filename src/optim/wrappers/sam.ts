import { scalar, type Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import type { Optimizer } from '../optimizer.js'
import { above, flag, resolveOptions } from '../options.js'
import { checkInGraph } from './inner.js'
import { saved } from './saved.js'

export interface SamOptions {
  /** Radius of the neighbourhood; default 0.05, for `adaptive` 0.5 to 2 is usual. */
  rho?: number
  /** Measure the neighbourhood relative to the weights' size (ASAM, Kwon et al. 2021). Default false. */
  adaptive?: boolean
}

/**
 * Sharpness-aware minimization (Foret et al. 2021): each update takes the gradient not at w but at the worst point
 * nearby, w + rho · g/‖g‖ (the norm is over all parameters). Flat minima are preferred; a step costs two gradients, both
 * in one graph, of the same batch and the same dropout masks. Batch normalization's statistics come from w.
 */
export function sam(inner: Optimizer, options: SamOptions = {}): Optimizer {
  checkInGraph(inner, 'optimizers.sam')
  const config = resolveOptions(
    'optimizers.sam',
    options,
    { rho: 0.05, adaptive: false },
    { rho: above(0), adaptive: flag },
  )
  return {
    ...inner,
    ...saved('sam', inner, config),
    trace: context => {
      const { graph, parameters, scalar: fed } = context
      // ASAM: g is stretched by |w| before the norm, and once more for the step.
      const stretch = (x: Value, w: Value): Value => (config.adaptive ? ops.mul(ops.abs(w), x) : x)
      const stretched = parameters.map(p => stretch(p.gradient, p.value))
      const squares = stretched.map(g => ops.reduceSumSquare(g, { keepdims: 0 }))
      const norm = ops.sqrt(squares.length === 1 ? squares[0]! : ops.sum(squares))
      const radius = ops.div(fed('optimizer/sam/rho', config.rho), ops.add(norm, scalar(graph, 'float32', 1e-12)))
      const worst = new Map(
        parameters.map((p, i) => [p.path, ops.add(p.value, ops.mul(stretch(stretched[i]!, p.value), radius))] as const),
      )
      const gradients = context.gradientsAt(worst)
      return inner.trace({
        ...context,
        scalar: fed,
        parameters: parameters.map((p, i) => ({ ...p, gradient: gradients[i]! })),
      })
    },
  }
}
