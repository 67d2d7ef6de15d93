import * as ops from '../../ops/index.js'
import { type ParameterInfo, transform } from '../transform.js'

/** Adds decay · w to the gradient: weight decay as an L2 penalty of decay/2, PyTorch's `weight_decay`. */
export const addDecayedWeights = (decay: number | ((parameter: ParameterInfo) => number)) =>
  transform({
    name: 'decay',
    update: ({ path, parameter, gradient }) => {
      const info = { path, shape: parameter.shape as readonly number[] } // weights are static
      const factor = typeof decay === 'number' ? decay : decay(info)
      return { gradient: factor === 0 ? gradient : ops.add(gradient, ops.mul(parameter, factor)), slots: {} }
    },
  })
