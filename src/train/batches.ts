import { counterRandom, DataError, dtypes, ShapeError, type Tensor, type TensorData } from '../ir/index.js'
import type { Network } from '../nn/network.js'
import { type DataLike, named } from './data-like.js'
import { type SampleWeight, type Weights, weightsByOutput } from './sample-weight.js'
import { target } from './step.js'

export { type DataLike, isTensor, type TensorLike } from './data-like.js'

/** Batches of a network's inputs and targets, by name, with weights of the examples. */
export interface Batch {
  readonly x: Readonly<Record<string, Tensor>>
  readonly y: Readonly<Record<string, Tensor>>
  /** Of the outputs that have some. */
  readonly sampleWeight: Weights | null
  readonly size: number
}

/** All of a data set in memory, checked against a network. */
export interface ArraySource {
  readonly x: Readonly<Record<string, Tensor>>
  readonly y: Readonly<Record<string, Tensor>>
  readonly sampleWeight: Weights | null
  readonly length: number
}

export function arraySource(
  net: Network,
  x: DataLike,
  y: DataLike | null,
  sampleWeight: SampleWeight | null = null,
): ArraySource {
  const xs = named(x, net.inputs, 'x')
  const ys =
    y === null
      ? {}
      : named(
          y,
          net.outputs.map(output => ({ name: output.name })),
          'y',
        )
  const weights = sampleWeight === null ? null : weightsByOutput(net, sampleWeight)
  const first = Object.values(xs)[0]!
  const length = first.shape[0] ?? 0
  if (length === 0)
    throw new DataError({
      code: 'empty-dataset',
      where: 'x',
      expected: 'at least one example',
      received: `shape [${first.shape}]`,
    })
  net.inputs.forEach(input => {
    const t = xs[input.name]!
    const fits =
      t.shape.length === input.shape.length &&
      input.shape.every((dim, i) => i === 0 || typeof dim === 'string' || dim === t.shape[i])
    if (!fits)
      throw new ShapeError({
        code: 'input-shape',
        where: input.name,
        expected: `[${input.shape.join(', ')}]`,
        received: `[${t.shape.join(', ')}]`,
        hint: 'the first axis counts examples; reshape the data or set inputShape',
      })
  })
  for (const [name, t] of [
    ...Object.entries(xs),
    ...Object.entries(ys),
    ...Object.entries(weights ?? {}).map(([name, t]) => [`sampleWeight.${name}`, t] as const),
  ])
    if (t.shape[0] !== length)
      throw new ShapeError({
        code: 'example-count',
        where: name,
        expected: `${length} examples, as in ${net.inputs[0]!.name}`,
        received: t.shape[0] ?? 'a scalar',
      })
  return { x: xs, y: ys, sampleWeight: weights, length }
}

/** Rows of a tensor, gathered into a new one. */
export function gatherRows(t: Tensor, rows: ArrayLike<number>): Tensor {
  const width = t.data.length / (t.shape[0] || 1)
  const shape = [rows.length, ...t.shape.slice(1)]
  if (!ArrayBuffer.isView(t.data))
    return {
      ...t,
      shape,
      data: Array.from(rows).flatMap(row => (t.data as string[]).slice(row * width, (row + 1) * width)),
    }
  const source = t.data as Float32Array // any typed array: only set and subarray are used
  const data = new dtypes[t.dtype].array!(rows.length * width) as Float32Array
  if (width === 1) for (let i = 0; i < rows.length; i++) data[i] = source[rows[i]!]!
  else
    for (let i = 0; i < rows.length; i++) data.set(source.subarray(rows[i]! * width, (rows[i]! + 1) * width), i * width)
  return { dtype: t.dtype, shape, data: data as TensorData }
}

/** Batches of data in memory, in order or shuffled by seed and epoch. The last one may be short. */
export function* arrayBatches(
  source: ArraySource,
  batchSize: number,
  order: Uint32Array | null,
  from = 0,
): Generator<Batch> {
  for (let start = from * batchSize; start < source.length; start += batchSize) {
    const size = Math.min(batchSize, source.length - start)
    const rows =
      order === null ? Uint32Array.from({ length: size }, (_, i) => start + i) : order.subarray(start, start + size)
    const pick = (tensors: Readonly<Record<string, Tensor>>) =>
      Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, gatherRows(t, rows)]))
    yield {
      x: pick(source.x),
      y: pick(source.y),
      sampleWeight: source.sampleWeight === null ? null : pick(source.sampleWeight),
      size,
    }
  }
}

/** The order of an epoch's examples. */
export const epochOrder = (length: number, seed: number, epoch: number): Uint32Array =>
  counterRandom(seed, epoch + 1, 0x5f).permutation(length)

/** Class numbers must be whole and below the number of classes: the runtime would read beyond its arrays. */
export function checkLabels(batch: Batch, output: string, classes: number, ignore?: number): void {
  const { data } = batch.y[output]!
  for (let i = 0; i < data.length; i++) {
    const label = Number(data[i])
    if (label === ignore || (Number.isInteger(label) && label >= 0 && label < classes)) continue
    throw new DataError({
      code: 'label-out-of-range',
      where: `${target(output)}, example ${i} of the batch`,
      expected: `a whole number from 0 to ${classes - 1}`,
      received: label,
      hint: 'labels count from 0; the last layer needs as many units as there are classes',
    })
  }
}
