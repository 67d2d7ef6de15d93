import * as ops from '../../ops/index.js'
import { transform } from '../transform.js'
import { inputAxes } from './units.js'

/** Gradient centralization (Yong et al. 2020): takes from each unit's gradient its mean over the unit's inputs. */
export const centralize = () =>
  transform({
    name: 'centralize',
    update: ({ path, gradient }) => {
      const axes = inputAxes(path, gradient.shape.length)
      return { gradient: axes === null ? gradient : ops.sub(gradient, ops.reduceMean(gradient, axes)), slots: {} }
    },
  })
