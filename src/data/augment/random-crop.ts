import { z } from 'zod'
import { ShapeError } from '../../ir/index.js'
import { parseOptions } from '../../ir/options.js'
import { checkFill } from './box.js'
import { type Augmentable, type AugmentMap, type Image, type ImageOptions, mapImages } from './element.js'
import { seed } from './options.js'

export interface RandomCropOptions extends ImageOptions {
  /** Height and width in pixels, or one number for both. Default the image's own, which with `padding` shifts it. */
  size?: number | readonly [number, number] | undefined
  /** Pixels added on every side before cropping. Default 0. */
  padding?: number | undefined
  /** What the padding holds: `value`, the nearest edge pixel, or the image mirrored at the edge. Default 'constant'. */
  paddingMode?: 'constant' | 'edge' | 'reflect' | undefined
  /** Default 0. */
  value?: number | undefined
}

const pixels = z.int().min(1)
const schema = z.strictObject({
  seed,
  input: z.string().optional(),
  size: z.union([pixels, z.tuple([pixels, pixels])]).optional(),
  padding: z.int().min(0).default(0),
  paddingMode: z.enum(['constant', 'edge', 'reflect']).default('constant'),
  value: z.number().finite().default(0),
})

/**
 * Cuts a part at a random place out of images [channels, height, width], or out of each of a batch, as torchvision's
 * RandomCrop: `randomCrop({ padding: 4 })` is the usual one for CIFAR. Every place is as likely.
 *
 * @throws ConfigError for options out of range; the map: ShapeError for what is no image, for an image that with its
 * padding is smaller than `size`, and for a mirrored padding as large as the image.
 */
export function randomCrop(options: RandomCropOptions = {}): AugmentMap<Augmentable> {
  const { size, padding, paddingMode, value, ...rest } = parseOptions(schema, options, 'randomCrop')
  const wanted = typeof size === 'number' ? ([size, size] as const) : size
  const sizeFor = (height: number, width: number) => {
    const [h, w] = wanted ?? [height, width]
    if (
      h > height + 2 * padding ||
      w > width + 2 * padding ||
      (paddingMode === 'reflect' && padding >= Math.min(height, width))
    )
      throw new ShapeError({
        code: 'image-size',
        where: 'randomCrop',
        expected: `images that hold ${h}×${w} pixels with a padding of ${padding}${paddingMode === 'reflect' ? ', and are larger than it' : ''}`,
        received: `${height}×${width}`,
      })
    return [h, w] as const
  }
  const source = { constant: () => -1, edge: clampTo, reflect: mirrorAt }[paddingMode]
  return (element, context) =>
    mapImages(
      'randomCrop',
      element,
      context,
      rest,
      (to, from, draws) => {
        checkFill(to, [value], 'randomCrop')
        const top = draws.below(0, from.height + 2 * padding - to.height + 1) - padding
        const left = draws.below(1, from.width + 2 * padding - to.width + 1) - padding
        crop(to, from, top, left, value, source)
      },
      sizeFor,
    )
}

const clampTo = (i: number, length: number): number => Math.min(Math.max(i, 0), length - 1)
const mirrorAt = (i: number, length: number): number => (i < 0 ? -i : i >= length ? 2 * (length - 1) - i : i)

/** `source` says where a row or column outside the image is taken from; −1: from nowhere. */
function crop(
  to: Image,
  from: Image,
  top: number,
  left: number,
  value: number,
  source: (i: number, length: number) => number,
): void {
  const inside = (i: number, length: number) => (i >= 0 && i < length ? i : source(i, length))
  const columns = Int32Array.from({ length: to.width }, (_, x) => inside(left + x, from.width))
  for (let c = 0; c < to.channels; c++)
    for (let y = 0; y < to.height; y++) {
      const row = inside(top + y, from.height)
      const target = to.offset + (c * to.height + y) * to.width
      const start = from.offset + (c * from.height + row) * from.width
      for (let x = 0; x < to.width; x++)
        to.data[target + x] = row < 0 || columns[x]! < 0 ? value : from.data[start + columns[x]!]!
    }
}
