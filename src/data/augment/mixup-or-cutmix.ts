import { z } from 'zod'
import { parseOptions } from '../../ir/options.js'
import type { Example } from '../example.js'
import type { AugmentMap } from './element.js'
import { type MixOptions, mixBatch, mixSchema } from './mix.js'
import { concentration, probability } from './options.js'

export interface MixupOrCutmixOptions extends MixOptions {
  /** Of mixup's Beta distribution. Default 0.2. */
  mixupAlpha?: number | undefined
  /** Of cutmix's. Default 1. */
  cutmixAlpha?: number | undefined
  /** Probability of cutmix instead of mixup, where an example is mixed. Default 0.5. */
  switchP?: number | undefined
}

const schema = z.strictObject({
  ...mixSchema,
  mixupAlpha: concentration.default(0.2),
  cutmixAlpha: concentration.default(1),
  switchP: probability.default(0.5),
})

/**
 * Mixup or CutMix by chance, as timm's Mixup has it (its modes `batch` and `elem` are `per: 'batch'` and `'example'`),
 * for batches of images [batch, channels, height, width]. With probability `p` an example is mixed, and then by cutmix
 * with probability `switchP`. For timm's label smoothing put `smoothLabels` behind it.
 * Source: Wightman, Touvron, Jégou, "ResNet strikes back", 2021, and the papers named at `mixup` and `cutmix`.
 *
 * @throws as `mixup` and `cutmix` do.
 */
export function mixupOrCutmix(options: MixupOrCutmixOptions = {}): AugmentMap<Example> {
  const { mixupAlpha, cutmixAlpha, switchP, ...rest } = parseOptions(schema, options, 'mixupOrCutmix')
  return (batch, context) =>
    mixBatch('mixupOrCutmix', batch, context, rest, u =>
      u < switchP ? { kind: 'cutmix', alpha: cutmixAlpha } : { kind: 'mixup', alpha: mixupAlpha },
    )
}
