import { tunable, type Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { type ParameterInfo, transform } from '../transform.js'

/** Adds decay · w to the gradient: weight decay as an L2 penalty of decay/2, PyTorch's `weight_decay`. */
export const addDecayedWeights = (decay: number | ((parameter: ParameterInfo) => number)) =>
  transform({
    name: 'decay',
    prepare: (gradients, parameters) => {
      // Parameters of one decay share its value.
      const factors = new Map<number, Value>()
      return parameters.map(({ path, value }, i) => {
        const info = { path, shape: value.shape as readonly number[] } // weights are static
        const number = typeof decay === 'number' ? decay : decay(info)
        if (number === 0) return gradients[i]!
        const factor = factors.get(number) ?? tunable(value, number)
        factors.set(number, factor)
        return ops.add(gradients[i]!, ops.mul(value, factor))
      })
    },
  })
