import { DataError, ShapeError, type Tensor } from '../ir/index.js'
import { type Dataset, dataset } from './dataset.js'
import { isRecord, isTensor, type TensorTree } from './example.js'
import { gatherRows, rowOf } from './gather.js'
import { indexed } from './source.js'

export interface TensorOptions {
  /** Refuses NaN and infinite values, naming the first. Reads everything once. Default false. */
  validate?: boolean
}

/**
 * A dataset of the rows of tensors in memory: `fromTensors({ x, y })`. The first axis counts examples and must be the
 * same in all. Batches are gathered straight from the tensors; single elements share their memory, so leave both as
 * they are while the dataset is in use.
 *
 * @throws ShapeError for a scalar or for different numbers of rows; DataError for no rows, or with `validate` for
 * values that are not finite.
 */
export function fromTensors<T extends TensorTree>(tensors: T, { validate = false }: TensorOptions = {}): Dataset<T> {
  const leaves = leavesOf(tensors, '')
  const length = commonLength(leaves)
  if (validate) for (const [path, t] of leaves) checkFinite(t, path)
  const pick = (from: (t: Tensor) => Tensor): T => rebuild(tensors, from) as T
  return dataset(
    indexed(
      () => ({
        length,
        concurrency: 1,
        at: index => pick(t => rowOf(t, index)),
        gather: rows => pick(t => gatherRows(t, rows)),
      }),
      { length, batched: false },
    ),
  )
}

function leavesOf(tree: unknown, path: string): (readonly [string, Tensor])[] {
  if (isTensor(tree)) return [[path || 'tensor', tree]]
  if (tree === undefined) return []
  if (isRecord(tree))
    return Object.entries(tree).flatMap(([key, value]) => leavesOf(value, path ? `${path}.${key}` : key))
  throw new DataError({
    code: 'not-a-tensor',
    where: path || 'fromTensors',
    expected: 'tensors, or records of them',
    received: tree === null ? 'null' : typeof tree,
    hint: 'fromArrays takes plain numbers and typed arrays',
  })
}

function rebuild(tree: unknown, from: (t: Tensor) => Tensor): unknown {
  if (isTensor(tree)) return from(tree)
  const entries = Object.entries(tree as Readonly<Record<string, unknown>>).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries.map(([key, value]) => [key, rebuild(value, from)]))
}

function commonLength(leaves: readonly (readonly [string, Tensor])[]): number {
  const first = leaves[0]
  if (first === undefined)
    throw new DataError({ code: 'no-data', where: 'fromTensors', expected: 'at least one tensor', received: 'none' })
  const problems = leaves.flatMap(([path, t]) => {
    if (t.shape.length === 0)
      return { code: 'scalar-data', where: path, expected: 'a first axis that counts examples', received: 'a scalar' }
    const same = t.shape[0] === first[1].shape[0]
    return same
      ? []
      : {
          code: 'example-count',
          where: path,
          expected: `${first[1].shape[0]} examples, as in ${first[0]}`,
          received: t.shape[0],
        }
  })
  if (problems.length > 0)
    throw new ShapeError(
      problems.length === 1 ? problems[0]! : { code: 'example-count', where: 'fromTensors', problems },
    )
  const length = first[1].shape[0]!
  if (length === 0)
    throw new DataError({
      code: 'empty-dataset',
      where: first[0],
      expected: 'at least one example',
      received: `shape [${first[1].shape.join(', ')}]`,
    })
  return length
}

function checkFinite(t: Tensor, path: string): void {
  if (t.dtype !== 'float32' && t.dtype !== 'float64') return
  // Of the two dtypes just checked.
  const data = t.data as Float32Array | Float64Array
  for (let i = 0; i < data.length; i++)
    if (!Number.isFinite(data[i])) {
      const width = data.length / t.shape[0]!
      throw new DataError({
        code: 'not-finite',
        where: `${path}, example ${Math.floor(i / width)}, element ${i % width}`,
        expected: 'a finite number',
        received: data[i],
        hint: 'fill or drop missing values before training',
      })
    }
}
