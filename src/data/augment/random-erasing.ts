import { z } from 'zod'
import { ShapeError } from '../../ir/index.js'
import { parseOptions } from '../../ir/options.js'
import { checkFill, paint } from './box.js'
import { type Augmentable, type AugmentMap, type Image, type ImageOptions, mapImages } from './element.js'
import { probability, range, seed } from './options.js'

export interface RandomErasingOptions extends ImageOptions {
  /** Probability that an image is erased. Default 0.5. */
  p?: number | undefined
  /** Smallest and largest erased share of the image's area. Default [0.02, 0.33]. */
  scale?: readonly [number, number] | undefined
  /** Smallest and largest height ÷ width of the rectangle; drawn evenly in its logarithm. Default [0.3, 3.3]. */
  ratio?: readonly [number, number] | undefined
  /** A number, one per channel, or 'random' for a standard normal number per pixel and channel. Default 0. */
  value?: number | readonly number[] | 'random' | undefined
}

const schema = z.strictObject({
  seed,
  input: z.string().optional(),
  p: probability.default(0.5),
  scale: range(probability).default([0.02, 0.33]),
  ratio: range(z.number().positive().finite()).default([0.3, 3.3]),
  value: z
    .union([z.number().finite(), z.array(z.number().finite()).min(1), z.literal('random')], {
      error: "a number, one per channel, or 'random'",
    })
    .default(0),
})

/** How often a rectangle that does not fit is drawn again, before the image is left as it is. */
const attempts = 10

/**
 * Random erasing, for images [channels, height, width] or batches of them, as torchvision's RandomErasing: with
 * probability `p` a rectangle of random area and shape inside the image is overwritten. Sides are rounded to whole
 * pixels and must be smaller than the image's; after ten rectangles that do not fit the image stays whole.
 *
 * Keras's RandomErasing differs: it erases with a rectangle of random width and height around any centre.
 * Source: Zhong, Zheng, Kang, Li, Yang, "Random erasing data augmentation", AAAI 2020.
 *
 * @throws ConfigError for options out of range; the map: ShapeError for what is no image, or for a number of values
 * other than that of the channels.
 */
export function randomErasing(options: RandomErasingOptions = {}): AugmentMap<Augmentable> {
  const { p, scale, ratio, value, ...rest } = parseOptions(schema, options, 'randomErasing')
  const between = ([low, high]: readonly [number, number], u: number) => low + (high - low) * u
  const logRatio = [Math.log(ratio[0]), Math.log(ratio[1])] as const
  return (element, context) =>
    mapImages('randomErasing', element, context, rest, (to, { height, width }, draws) => {
      checkFill(to, typeof value === 'number' ? [value] : value, 'randomErasing')
      const fill = fillOf(value, to, draws.normal)
      if (draws.uniform(0) >= p) return
      for (let i = 0; i < attempts; i++) {
        const area = height * width * between(scale, draws.uniform(3 + 2 * i))
        const aspect = Math.exp(between(logRatio, draws.uniform(4 + 2 * i)))
        const [h, w] = [Math.round(Math.sqrt(area * aspect)), Math.round(Math.sqrt(area / aspect))]
        if (h >= height || w >= width) continue
        const [top, left] = [draws.below(1, height - h + 1), draws.below(2, width - w + 1)]
        paint(to, { top, bottom: top + h, left, right: left + w }, fill)
        return
      }
    })
}

function fillOf(value: number | readonly number[] | 'random', { channels }: Image, normal: (i: number) => number) {
  if (typeof value === 'number') return value
  if (value === 'random') return (_channel: number, pixel: number) => normal(pixel)
  if (value.length !== 1 && value.length !== channels)
    throw new ShapeError({
      code: 'channel-count',
      where: 'randomErasing.value',
      expected: `one value, or one for each of ${channels} channels`,
      received: value,
    })
  return (channel: number) => value[value.length === 1 ? 0 : channel]!
}
