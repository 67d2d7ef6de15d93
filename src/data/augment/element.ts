import { type CounterRandom, counterRandom, DataError, nearest, ShapeError, type Tensor } from '../../ir/index.js'
import { type Example, isRecord, isTensor } from '../example.js'
import type { ElementContext } from '../source.js'

/** What the image maps change: an example or a batch of them, or bare images. */
export type Augmentable = Tensor | Example

/** A function for `dataset.map`; its result has the structure of what it was given. */
export type AugmentMap<Element> = <T extends Element>(element: T, context: ElementContext) => T

/** What every random map takes. */
export interface AugmentOptions {
  /** With the epoch and the element's number it decides every draw. Give maps of one kind different seeds. Default 0. */
  seed?: number | undefined
}

export interface ImageOptions extends AugmentOptions {
  /** Which input holds the image, where `x` is a record of several. */
  input?: string | undefined
}

/** Element types of images; arithmetic on others would need their bits unpacked. */
export type Pixels = Float32Array | Float64Array | Uint8Array
const pixelTypes: readonly string[] = ['float32', 'float64', 'uint8']

/** One image within an array of pixels. */
export interface Image {
  readonly data: Pixels
  readonly offset: number
  readonly channels: number
  readonly height: number
  readonly width: number
}

/** The numbers that belong to one image: `random`'s counters from `at` on; at most `imageCounters` of them. */
export interface Draws {
  uniform(i: number): number
  below(i: number, bound: number): number
  /** From a lane of its own, as many as there are pixels. */
  normal(i: number): number
}
const imageCounters = 64

/** The stream of one element in one epoch. */
export const streamFor = (name: string, seed: number, { epoch, index }: ElementContext): CounterRandom =>
  counterRandom(seed, name, epoch, index)

/** The names of the inputs an element has, with their tensors; a bare tensor and a single input are called `x`. */
export function inputsOf(element: Augmentable, where: string): Readonly<Record<string, Tensor>> {
  if (isTensor(element)) return { x: element }
  const x: unknown = isRecord(element) ? element.x : undefined
  if (isTensor(x)) return { x }
  if (isRecord(x) && Object.keys(x).length > 0 && Object.values(x).every(isTensor)) return x as Record<string, Tensor>
  throw new DataError({
    code: 'not-an-example',
    where,
    expected: 'an example { x, y } of tensors, a batch of them, or a tensor',
    received: element === null ? 'null' : isRecord(element) ? `{ ${Object.keys(element)} }` : typeof element,
    hint: 'turn elements into tensors with map before',
  })
}

/** An element with some of its inputs replaced. */
export function withInputs<T extends Augmentable>(element: T, changed: Readonly<Record<string, Tensor>>): T {
  // The structure stays as it was, which is all that T says.
  if (isTensor(element)) return changed.x as T & Tensor
  const { x } = element as Example
  return { ...element, x: isTensor(x) ? changed.x! : { ...x, ...changed } }
}

/** One of the inputs by name, or the only one. */
export function chooseInput(inputs: Readonly<Record<string, Tensor>>, input: string | undefined, where: string) {
  const names = Object.keys(inputs)
  const name = input ?? (names.length === 1 ? names[0]! : undefined)
  if (name !== undefined && Object.hasOwn(inputs, name)) return name
  throw new DataError({
    code: 'unknown-input',
    where: `${where}.input`,
    expected: `one of ${names.join(', ')}`,
    received: name,
    hint: name === undefined ? 'say which input holds the image' : `did you mean ${nearest(name, names, 1)[0]}?`,
  })
}

export function checkPixels(t: Tensor, where: string): Pixels {
  if (pixelTypes.includes(t.dtype)) return t.data as Pixels // what these dtypes are held in
  throw new DataError({
    code: 'image-dtype',
    where,
    expected: `images as ${pixelTypes.join(', ')}`,
    received: t.dtype,
    hint: 'convert them with map before',
  })
}

/**
 * Changes the image or the images of an element. `change` gets a copy to write to (or, with `size`, an empty image of
 * that height and width), the image as it is, and the draws of this image. Shapes: [channels, height, width] or, in a
 * batch, [batch, channels, height, width].
 */
export function mapImages<T extends Augmentable>(
  where: string,
  element: T,
  context: ElementContext,
  { seed = 0, input }: ImageOptions,
  change: (to: Image, from: Image, draws: Draws) => void,
  sizeFor: (height: number, width: number) => readonly [number, number] = (height, width) => [height, width],
): T {
  const inputs = inputsOf(element, where)
  const name = chooseInput(inputs, input, where)
  const t = inputs[name]!
  const from = checkPixels(t, where)
  if (t.shape.length !== 3 && t.shape.length !== 4)
    throw new ShapeError({
      code: 'image-rank',
      where: `${where}: ${name}`,
      expected: '[channels, height, width], or [batch, channels, height, width]',
      received: `[${t.shape.join(', ')}]`,
      hint: 'leave images unflattened here, and flatten in the model',
    })
  const [channels, height, width] = t.shape.slice(-3) as [number, number, number]
  const [newHeight, newWidth] = sizeFor(height, width)
  const same = newHeight === height && newWidth === width
  const count = t.shape.length === 4 ? t.shape[0]! : 1
  const to = same
    ? from.slice()
    : new (from.constructor as new (n: number) => Pixels)(count * channels * newHeight * newWidth)
  const random = streamFor(where, seed, context)
  const pixels = channels * height * width
  for (let i = 0; i < count; i++) {
    const first = i * imageCounters
    change(
      { data: to, offset: i * channels * newHeight * newWidth, channels, height: newHeight, width: newWidth },
      { data: from, offset: i * pixels, channels, height, width },
      {
        uniform: k => random.uniform(first + k),
        below: (k, bound) => random.below(first + k, bound),
        normal: k => random.normal(i * pixels + k),
      },
    )
  }
  const shape = [...t.shape.slice(0, -2), newHeight, newWidth]
  return withInputs(element, { [name]: { dtype: t.dtype, shape, data: to } })
}
