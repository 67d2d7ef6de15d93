import { DataError, type NestedNumbers, type Tensor, tensor, type TypedArray } from '../ir/index.js'
import { rowsOf } from './collate.js'
import { type Dataset, dataset } from './dataset.js'

type Tensors = Tensor | Readonly<Record<string, Tensor>>

/** What training takes: inputs, targets, and a weight. In a batch every tensor has a leading batch axis. */
export interface Example {
  readonly x: Tensors
  readonly y?: Tensors | undefined
  readonly sampleWeight?: Tensor | undefined
}

const isTensor = (x: Tensors): x is Tensor => 'dtype' in x && 'data' in x
const each = (tensors: Tensors, f: (t: Tensor) => Tensor): Tensors =>
  isTensor(tensors) ? f(tensors) : Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, f(t)]))
const list = (tensors: Tensors | undefined): [string, Tensor][] => (tensors === undefined ? [] : isTensor(tensors) ? [['', tensors]] : Object.entries(tensors))

/** Tensors with one row per example. Batches are gathered straight into typed arrays. */
export function fromTensors(tensors: Example): Dataset<Example> {
  const all = [
    ...list(tensors.x).map(([name, t]) => [`x${name && `.${name}`}`, t] as const),
    ...list(tensors.y).map(([name, t]) => [`y${name && `.${name}`}`, t] as const),
    ...list(tensors.sampleWeight).map(([, t]) => ['sampleWeight', t] as const),
  ]
  const length = all[0]?.[1].shape[0]
  if (length === undefined) throw new DataError({ code: 'no-rows', where: all[0]?.[0] ?? 'x', expected: 'a first axis that counts examples', received: 'a scalar' })
  if (length === 0) throw new DataError({ code: 'empty-dataset', where: 'x', expected: 'at least one example', received: 0 })
  for (const [name, t] of all)
    if (t.shape[0] !== length) throw new DataError({ code: 'example-count', where: name, expected: `${length} examples, as in ${all[0]![0]}`, received: t.shape[0] ?? 'a scalar' })
  const pick = (f: (t: Tensor) => Tensor): Example => ({
    x: each(tensors.x, f),
    ...(tensors.y === undefined ? {} : { y: each(tensors.y, f) }),
    ...(tensors.sampleWeight === undefined ? {} : { sampleWeight: f(tensors.sampleWeight) }),
  })
  const view = {
    length,
    get: (i: number) =>
      pick(t => {
        const row = rowsOf(t, Uint32Array.of(i))
        return { ...row, shape: row.shape.slice(1) }
      }),
    gather: (rows: Uint32Array) => pick(t => rowsOf(t, rows)),
  }
  return dataset({ kind: 'view', view: () => view, length })
}

/** The same from nested numbers or typed arrays; one row per example. */
export const fromArrays = (arrays: { x: NestedNumbers | TypedArray | Tensor; y?: NestedNumbers | TypedArray | Tensor }): Dataset<Example> => {
  const make = (data: NestedNumbers | TypedArray | Tensor): Tensor => (typeof data === 'object' && 'dtype' in data ? data : tensor(data))
  return fromTensors({ x: make(arrays.x), ...(arrays.y === undefined ? {} : { y: make(arrays.y) }) })
}

/** Elements of a list. */
export const fromList = <T>(elements: readonly T[]): Dataset<T> =>
  dataset({ kind: 'view', view: () => ({ length: elements.length, get: i => elements[i]! }), length: elements.length })

/** Elements from a function that begins a new run at each call; nothing is kept. */
export const fromGenerator = <T>(begin: (epoch: number) => AsyncIterable<T> | Iterable<T>, length?: number): Dataset<T> =>
  dataset({
    kind: 'stream',
    open: epoch => {
      async function* run(): AsyncGenerator<T> {
        yield* begin(epoch)
      }
      return run()
    },
    length,
  })
