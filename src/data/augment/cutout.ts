import { z } from 'zod'
import { parseOptions } from '../../ir/options.js'
import { boxAround, checkFill, paint } from './box.js'
import { type Augmentable, type AugmentMap, type ImageOptions, mapImages } from './element.js'
import { probability, seed } from './options.js'

export interface CutoutOptions extends ImageOptions {
  /** Side of the square in pixels. */
  size: number
  /** Squares per image, at most 16. Default 1. */
  holes?: number | undefined
  /** What is written over the pixels. Default 0. */
  value?: number | undefined
  /** Probability that an image is cut. Default 1. */
  p?: number | undefined
}

const schema = z.strictObject({
  seed,
  input: z.string().optional(),
  size: z.int().min(1),
  holes: z.int().min(1).max(16).default(1),
  value: z.number().finite().default(0),
  p: probability.default(1),
})

/**
 * Cutout, for images [channels, height, width] or batches of them: squares of `size` pixels around centres anywhere in
 * the image are set to `value` in all channels; what lies outside the image is cut off. The paper takes 16 on CIFAR-10
 * and 8 on CIFAR-100, after normalizing to mean 0.
 * Source: DeVries, Taylor, "Improved regularization of convolutional neural networks with cutout", 2017.
 *
 * @throws ConfigError for options out of range; the map: ShapeError for what is no image.
 */
export function cutout(options: CutoutOptions): AugmentMap<Augmentable> {
  const { size, holes, value, p, ...rest } = parseOptions(schema, options, 'cutout')
  return (element, context) =>
    mapImages('cutout', element, context, rest, (to, { height, width }, draws) => {
      checkFill(to, [value], 'cutout')
      if (draws.uniform(0) >= p) return
      for (let hole = 0; hole < holes; hole++) {
        const [cy, cx] = [draws.below(1 + 2 * hole, height), draws.below(2 + 2 * hole, width)]
        paint(to, boxAround(cy, cx, size, size, height, width), value)
      }
    })
}
