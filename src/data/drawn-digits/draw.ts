import { ConfigError, type Tensor } from '../../ir/index.js'
import { wholeNumber } from '../source.js'
import { type Dice, dice } from './dice.js'
import { develop, paint } from './ink.js'
import { distort, place, trace, tremble } from './pen.js'
import { digitShapes, type Shape } from './shapes.js'

export interface DrawOptions {
  /** Default 0. */
  seed?: number
  /** Number of the first digit in the endless series of this seed. Default 0. */
  offset?: number
  /** How wild the hands are: 0 is print, 1 the default. */
  wildness?: number
}

const side = 28
/** As in MNIST, digits fill a box of 20 pixels and have their centre of mass in the middle of 28. */
const box = 20
const centre = side / 2

/**
 * Draws digits: one of several ways of writing each, bent, slanted and turned, with a pen of its own. The same seed
 * draws the same. Images are uint8 [count, 28, 28], ink 255 on 0, labels uint8 [count], as in MNIST's files.
 */
export function drawDigits(
  count: number,
  { seed = 0, offset = 0, wildness = 1 }: DrawOptions = {},
): { images: Tensor; labels: Tensor } {
  wholeNumber(count, 0, 'drawDigits.count')
  wholeNumber(offset, 0, 'drawDigits.offset')
  if (!(wildness >= 0 && wildness <= 4))
    throw new ConfigError({
      code: 'bad-option',
      where: 'drawDigits.wildness',
      expected: 'from 0 to 4',
      received: wildness,
    })
  const images = new Uint8Array(count * side * side)
  const labels = new Uint8Array(count)
  const sheet = new Float32Array(side * side)
  for (let i = 0; i < count; i++) {
    const roll = dice(seed, offset + i)
    const label = Math.floor(roll.uniform(0, 10))
    labels[i] = label
    drawOne(digitShapes[label]!, wildness, roll, sheet, images.subarray(i * side * side, (i + 1) * side * side))
  }
  return {
    images: { dtype: 'uint8', shape: [count, side, side], data: images },
    labels: { dtype: 'uint8', shape: [count], data: labels },
  }
}

function drawOne(shapes: readonly Shape[], wildness: number, roll: Dice, sheet: Float32Array, out: Uint8Array): void {
  // Some hands are calm and some are not.
  const hand = wildness * Math.exp(roll.normal(0.35))
  const lines = tremble(choose(shapes, roll), 0.027 * hand, roll).map(trace)
  distort(lines, 0.045 * hand, roll)
  const radius = Math.max(0.55, 1.25 + roll.normal(0.38))
  place(lines, box - 2 * radius, centre)
  const pen = {
    radius,
    swing: roll.uniform(0, 0.25),
    rhythm: roll.uniform(2, 7),
    phase: roll.uniform(0, 6),
    rim: roll.uniform(1, 1.5),
  }
  paint(lines, pen, sheet, side)
  develop(sheet, roll.uniform(250, 330), 16, roll, out)
}

function choose(shapes: readonly Shape[], roll: Dice): Shape {
  let at = roll.uniform(
    0,
    shapes.reduce((sum, shape) => sum + shape.weight, 0),
  )
  return shapes.find(shape => (at -= shape.weight) < 0) ?? shapes[0]!
}
