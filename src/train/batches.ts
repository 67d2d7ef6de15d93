import {
  allocate,
  ConfigError,
  counterRandom,
  DataError,
  type DType,
  dtypes,
  type NestedNumbers,
  ShapeError,
  type Tensor,
  type TensorData,
  type TypedArray,
  tensor,
} from '../ir/index.js'
import type { Network } from '../nn/network.js'
import { target } from './step.js'

/** Data as users hold it: a tensor, nested numbers, or a typed array (of one number per example). */
export type TensorLike = Tensor | TypedArray | NestedNumbers
/** One tensor, or one for each input or output by name (or in order). */
export type DataLike = TensorLike | Readonly<Record<string, TensorLike>> | readonly Tensor[]

/** Batches of a network's inputs and targets, by name, with a weight per example. */
export interface Batch {
  readonly x: Readonly<Record<string, Tensor>>
  readonly y: Readonly<Record<string, Tensor>>
  readonly sampleWeight: Tensor | null
  readonly size: number
}

/** Whether something is a tensor record. */
export const isTensor = (x: unknown): x is Tensor =>
  typeof x === 'object' && x !== null && 'dtype' in x && 'data' in x && 'shape' in x
function toTensor(x: TensorLike): Tensor {
  const plain = typeof x === 'number' || Array.isArray(x) || ArrayBuffer.isView(x)
  if (isTensor(x) ? !(x.dtype in dtypes) || !Array.isArray(x.shape) : !plain)
    throw new DataError({
      code: 'not-data',
      where: 'data',
      expected: 'a tensor, nested arrays of numbers or a typed array',
      received: x === null ? 'null' : isTensor(x) ? `dtype ${x.dtype}, shape ${x.shape}` : typeof x,
    })
  return isTensor(x) ? x : tensor(x as TypedArray | NestedNumbers)
}

/** Data by the names of a network's inputs or outputs, in dtypes a graph can take. */
export function named(
  data: DataLike,
  ports: readonly { name: string; dtype?: DType }[],
  what: string,
): Record<string, Tensor> {
  const list = Array.isArray(data) && data.length > 0 && data.every(isTensor) ? (data as Tensor[]) : undefined
  const record =
    list !== undefined
      ? Object.fromEntries(list.map((t, i) => [ports[i]?.name ?? `${i}`, t]))
      : isTensor(data) || Array.isArray(data) || ArrayBuffer.isView(data) || typeof data !== 'object' || data === null
        ? { [ports[0]!.name]: data as TensorLike }
        : (data as Readonly<Record<string, TensorLike>>)
  const out: Record<string, Tensor> = {}
  for (const name of Object.keys(record))
    if (!ports.some(port => port.name === name))
      throw new DataError({
        code: 'unknown-data',
        where: what,
        expected: ports.map(port => port.name).join(', '),
        received: name,
      })
  for (const port of ports) {
    const given = record[port.name]
    if (given === undefined)
      throw new DataError({ code: 'missing-data', where: what, expected: port.name, received: Object.keys(record) })
    out[port.name] = coerce(toTensor(given), port.dtype)
  }
  return out
}

/** Bytes and doubles become float32; a network's own dtype wins. */
function coerce(t: Tensor, dtype?: DType): Tensor {
  const want =
    dtype ??
    (t.dtype === 'float64' || t.dtype === 'uint8' || t.dtype === 'bool' || t.dtype === 'int8' ? 'float32' : t.dtype)
  if (t.dtype === want) return t
  if (t.dtype === 'string' || want === 'string')
    throw new DataError({ code: 'string-data', where: 'data', expected: want, received: t.dtype })
  const data = allocate(want, t.data.length)
  if (data instanceof BigInt64Array || data instanceof BigUint64Array)
    for (let i = 0; i < data.length; i++) data[i] = BigInt(Number(t.data[i]))
  else for (let i = 0; i < data.length; i++) data[i] = Number(t.data[i])
  return { dtype: want, shape: t.shape, data }
}

/** All of a data set in memory, checked against a network. */
export interface ArraySource {
  readonly x: Readonly<Record<string, Tensor>>
  readonly y: Readonly<Record<string, Tensor>>
  readonly sampleWeight: Tensor | null
  readonly length: number
}

export function arraySource(
  net: Network,
  x: DataLike,
  y: DataLike | null,
  sampleWeight: TensorLike | null = null,
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
  const weight = sampleWeight === null ? null : perExample(coerce(toTensor(sampleWeight), 'float32'))
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
    ...(weight === null ? [] : [['sampleWeight', weight] as const]),
  ])
    if (t.shape[0] !== length)
      throw new ShapeError({
        code: 'example-count',
        where: name,
        expected: `${length} examples, as in ${net.inputs[0]!.name}`,
        received: t.shape[0] ?? 'a scalar',
      })
  return { x: xs, y: ys, sampleWeight: weight, length }
}

/** One weight per example: [n], or [n, 1] as Keras takes it too. */
function perExample(weight: Tensor): Tensor {
  if (weight.shape.length === 1) return weight
  if (weight.shape.length === 2 && weight.shape[1] === 1) return { ...weight, shape: [weight.shape[0]!] }
  throw new ShapeError({
    code: 'sample-weight',
    where: 'sampleWeight',
    expected: 'one weight per example',
    received: `shape [${weight.shape}]`,
  })
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
      sampleWeight: source.sampleWeight === null ? null : gatherRows(source.sampleWeight, rows),
      size,
    }
  }
}

/** The order of an epoch's examples. */
export const epochOrder = (length: number, seed: number, epoch: number): Uint32Array =>
  counterRandom(seed, epoch + 1, 0x5f).permutation(length)

/** Multiplies each example's weight by that of its class: `classWeight[label]`, 1 where none is given. */
export function weighClasses(batch: Batch, classWeight: Readonly<Record<number, number>>): Batch {
  const [labels, ...others] = Object.values(batch.y) as [Tensor, ...Tensor[]]
  const classes = labels.data.length / batch.size
  if (others.length > 0 || labels.shape.length > 2)
    throw new ConfigError({
      code: 'class-weight',
      where: 'fit.classWeight',
      expected: 'a model of one output with one class per example',
      received: others.length > 0 ? `${others.length + 1} outputs` : `targets of shape [${labels.shape}]`,
      hint: 'give sampleWeight instead',
    })
  const weights = new Float32Array(batch.size)
  for (let i = 0; i < batch.size; i++) {
    let label = Number(labels.data[i * classes])
    if (classes > 1) {
      let best = 0
      for (let c = 1; c < classes; c++)
        if (Number(labels.data[i * classes + c]) > Number(labels.data[i * classes + best])) best = c
      label = best
    }
    weights[i] = (classWeight[label] ?? 1) * (batch.sampleWeight === null ? 1 : Number(batch.sampleWeight.data[i]))
  }
  return { ...batch, sampleWeight: { dtype: 'float32', shape: [batch.size], data: weights } }
}

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
