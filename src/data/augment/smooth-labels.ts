import { z } from 'zod'
import { parseOptions } from '../../ir/options.js'
import type { Example } from '../example.js'
import type { AugmentMap } from './element.js'
import { classes } from './options.js'
import { type Classes, mapTargets, softTargets } from './targets.js'

export interface SmoothLabelsOptions {
  /**
   * How many classes there are, for class numbers: [] becomes [classes], [batch] becomes [batch, classes]. For several
   * targets a record by name. Without it the last axis of the targets counts classes.
   */
  classes?: Classes
  /** The share of a target that is spread evenly over all classes, from 0 to 1. Default 0.1. */
  smoothing?: number | undefined
}

const schema = z.strictObject({
  classes,
  smoothing: z.number().min(0).max(1).default(0.1),
})

/**
 * Label smoothing, for examples or batches: y becomes (1 − smoothing) · y + smoothing / classes. The same as the
 * option `labelSmoothing` of the categorical losses, for where targets are soft anyway.
 * Source: Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR 2016.
 *
 * @throws ConfigError for options out of range; the map: DataError for labels outside 0 … classes − 1.
 */
export function smoothLabels(options: SmoothLabelsOptions = {}): AugmentMap<Example> {
  const given = parseOptions(schema, options, 'smoothLabels')
  const { smoothing } = given
  return example => {
    const y = mapTargets(example, given.classes, 'smoothLabels', (target, n, where) => {
      const t = softTargets(target, n, where)
      const share = smoothing / t.shape.at(-1)!
      // Float32, as softTargets gives it.
      return { ...t, data: (t.data as Float32Array).map(value => (1 - smoothing) * value + share) }
    })
    return { ...example, y }
  }
}
