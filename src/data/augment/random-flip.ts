import { z } from 'zod'
import { parseOptions } from '../../ir/options.js'
import { type Augmentable, type AugmentMap, type Image, type ImageOptions, mapImages } from './element.js'
import { probability, seed } from './options.js'

export interface RandomFlipOptions extends ImageOptions {
  /** Left and right, top and bottom, or each by chance. Default 'horizontalAndVertical', as in Keras. */
  mode?: 'horizontal' | 'vertical' | 'horizontalAndVertical' | undefined
  /** Probability of each flip. Default 0.5. */
  p?: number | undefined
}

const schema = z.strictObject({
  seed,
  input: z.string().optional(),
  mode: z.enum(['horizontal', 'vertical', 'horizontalAndVertical']).default('horizontalAndVertical'),
  p: probability.default(0.5),
})

/**
 * Mirrors images [channels, height, width], or each of a batch of them, by chance.
 *
 * @throws ConfigError for options out of range; the map: ShapeError for what is no image.
 */
export function randomFlip(options: RandomFlipOptions = {}): AugmentMap<Augmentable> {
  const { mode, p, ...rest } = parseOptions(schema, options, 'randomFlip')
  return (element, context) =>
    mapImages('randomFlip', element, context, rest, (to, from, draws) => {
      const horizontal = mode !== 'vertical' && draws.uniform(0) < p
      const vertical = mode !== 'horizontal' && draws.uniform(1) < p
      if (horizontal || vertical) flip(to, from, horizontal, vertical)
    })
}

function flip(to: Image, from: Image, horizontal: boolean, vertical: boolean): void {
  const { channels, height, width } = from
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++) {
      const source = from.offset + (c * height + (vertical ? height - 1 - y : y)) * width
      const target = to.offset + (c * height + y) * width
      for (let x = 0; x < width; x++) to.data[target + x] = from.data[source + (horizontal ? width - 1 - x : x)]!
    }
}
