import { z } from 'zod'
import { parseOptions } from '../../ir/options.js'
import type { Example } from '../example.js'
import type { AugmentMap } from './element.js'
import { type MixOptions, mixBatch, mixSchema } from './mix.js'
import { concentration } from './options.js'

export interface CutmixOptions extends MixOptions {
  /** Of Beta(alpha, alpha), above 0, from which the area to keep is drawn. Default 1: all areas are as likely. */
  alpha?: number | undefined
}

const schema = z.strictObject({ ...mixSchema, alpha: concentration.default(1) })

/**
 * CutMix, for batches of images [batch, channels, height, width]: `data.batch(64).map(cutmix({ classes: 10 }))`. A
 * rectangle of each image is replaced by that of its partner, the same batch in a random order. Its sides are
 * √(1 − λ) of the image's, λ from Beta(alpha, alpha), its centre is anywhere in the image, and what lies outside is cut
 * off; targets and weights are then mixed by the share of pixels that is truly left. Train on the soft targets with
 * `categoricalCrossentropy`.
 *
 * Each example has a rectangle of its own; the paper's code and timm draw one per batch (`per: 'batch'`).
 * Source: Yun, Han, Oh, Chun, Choe, Yoo, "CutMix: regularization strategy to train strong classifiers with localizable
 * features", ICCV 2019.
 *
 * @throws ConfigError for options out of range; the map: ShapeError where there is no batch of images, DataError for
 * labels outside 0 … classes − 1 and for targets that are no floats.
 */
export function cutmix(options: CutmixOptions = {}): AugmentMap<Example> {
  const { alpha, ...rest } = parseOptions(schema, options, 'cutmix')
  return (batch, context) => mixBatch('cutmix', batch, context, rest, () => ({ kind: 'cutmix', alpha }))
}
