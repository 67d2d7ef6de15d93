import { DataError } from '../../ir/index.js'
import type { Image } from './element.js'

/** A rectangle of pixels; bottom and right lie just outside. */
export interface Box {
  readonly top: number
  readonly bottom: number
  readonly left: number
  readonly right: number
}

/** The part inside an image of a box of a size around a centre. */
export function boxAround(cy: number, cx: number, h: number, w: number, height: number, width: number): Box {
  const clip = (x: number, most: number) => Math.min(Math.max(x, 0), most)
  return {
    top: clip(cy - Math.floor(h / 2), height),
    bottom: clip(cy + Math.ceil(h / 2), height),
    left: clip(cx - Math.floor(w / 2), width),
    right: clip(cx + Math.ceil(w / 2), width),
  }
}

/** Writes a value to the rows `top` … `bottom − 1` and columns `left` … `right − 1` of an image, all channels. */
export function paint(
  image: Image,
  { top, bottom, left, right }: Box,
  value: number | ((channel: number, pixel: number) => number),
): void {
  const { data, offset, channels, height, width } = image
  let pixel = 0
  for (let c = 0; c < channels; c++)
    for (let y = top; y < bottom; y++) {
      const row = offset + (c * height + y) * width
      if (typeof value === 'number') data.fill(value, row + left, row + right)
      else for (let x = left; x < right; x++) data[row + x] = value(c, pixel++)
    }
}

/** Refuses what bytes cannot hold. */
export function checkFill(image: Image, values: readonly number[] | 'random', where: string): void {
  if (!(image.data instanceof Uint8Array)) return
  if (values !== 'random' && values.every(value => Number.isInteger(value) && value >= 0 && value <= 255)) return
  throw new DataError({
    code: 'image-dtype',
    where: `${where}.value`,
    expected: 'whole numbers from 0 to 255, as the images are bytes',
    received: values,
    hint: 'scale bytes to 0 … 1 with map before',
  })
}
