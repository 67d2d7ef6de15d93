import { z } from 'zod'
import { parseOptions } from '../../ir/options.js'
import type { Example } from '../example.js'
import type { AugmentMap } from './element.js'
import { type MixOptions, mixBatch, mixSchema } from './mix.js'
import { concentration } from './options.js'

export interface MixupOptions extends MixOptions {
  /** Of Beta(alpha, alpha), above 0: near 0 examples stay pure, at 1 every share is as likely. Default 0.2. */
  alpha?: number | undefined
}

const schema = z.strictObject({ ...mixSchema, alpha: concentration.default(0.2) })

/**
 * Mixup, for batches: `data.batch(64).map(mixup({ alpha: 0.2, classes: 10 }))`. Each example becomes
 * λ · example + (1 − λ) · partner, in its inputs, its targets and its weight; λ is drawn from Beta(alpha, alpha), and
 * partners are the same batch in a random order. Train on the soft targets with `categoricalCrossentropy`. A batch of
 * one has only itself to be mixed with.
 *
 * Draws a λ per example as Keras's MixUp; the paper's own code and timm draw one per batch (`per: 'batch'`), and timm
 * takes the batch in reverse order for partners.
 * Source: Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: beyond empirical risk minimization", ICLR 2018.
 *
 * @throws ConfigError for options out of range; the map: ShapeError where there is no batch, DataError for labels
 * outside 0 … classes − 1 and for inputs or targets that are no floats.
 */
export function mixup(options: MixupOptions = {}): AugmentMap<Example> {
  const { alpha, ...rest } = parseOptions(schema, options, 'mixup')
  return (batch, context) => mixBatch('mixup', batch, context, rest, () => ({ kind: 'mixup', alpha }))
}
