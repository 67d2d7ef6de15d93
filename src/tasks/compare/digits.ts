import { mnist } from '../../data/index.js'
import { counterRandom, DataError, type Tensor } from '../../ir/index.js'
import type { Comparison } from './record.js'

/** Inputs and one-hot targets. */
export interface Examples {
  readonly x: Tensor
  readonly y: Tensor
  readonly count: number
}

export interface Digits {
  readonly about: Comparison['data']
  /** The training digits of a seed: other ones for each, so that chance in the data is part of the spread. */
  training(seed: number): Examples
  /** For curves, early stopping and the choice of learning rates. */
  readonly validation: Examples
  /** Looked at once, at the end. */
  readonly test: Examples
}

const CLASSES = 10

/** Real digits where there are files, else drawn ones: apart for training, validation and test. */
export async function loadDigits({
  examples,
  wrong,
  quick,
}: {
  examples: number
  wrong: number
  quick: boolean
}): Promise<Digits> {
  const held = quick ? 300 : 1000
  const { train, test, source, description } = await mnist({
    flatten: true,
    seed: 0,
    ...(quick ? { train: Math.min(2 * examples + held, 8000), test: 300 } : {}),
  })
  const pool = await together(train.batch(train.length!))
  if (pool.count < examples + held)
    throw new DataError({
      code: 'too-few-examples',
      where: 'compare',
      expected: `at most ${pool.count - held} training digits, so that ${held} are left for validation`,
      received: examples,
    })
  const rest = pool.count - held
  const testing = await together(test.batch(test.length!))
  return {
    about: { source, description, training: examples, wrong, validation: held, test: testing.count },
    training: seed => {
      const order = counterRandom(seed, 'compare', 'training digits').permutation(rest)
      return mislabel(pick(pool, order.subarray(0, examples)), wrong, seed)
    },
    validation: pick(
      pool,
      Uint32Array.from({ length: held }, (_, i) => rest + i),
    ),
    test: testing,
  }
}

/** A dataset that is one batch, its labels as one-hot rows. */
async function together(batches: AsyncIterable<{ x: unknown; y: unknown }>): Promise<Examples> {
  for await (const batch of batches) {
    const [x, labels] = [batch.x as Tensor, batch.y as Tensor] // mnist() gives one tensor of each
    const count = labels.shape[0]!
    const y = new Float32Array(count * CLASSES)
    for (let i = 0; i < count; i++) y[i * CLASSES + Number(labels.data[i])] = 1
    return { x, y: { dtype: 'float32', shape: [count, CLASSES], data: y }, count }
  }
  throw new DataError({ code: 'empty-dataset', where: 'compare', expected: 'digits', received: 'none' })
}

/** Gives a share of the examples another label than their own. */
function mislabel({ x, y, count }: Examples, share: number, seed: number): Examples {
  if (share === 0) return { x, y, count }
  const random = counterRandom(seed, 'compare', 'mislabel')
  const data = (y.data as Float32Array).slice()
  for (let i = 0; i < count; i++) {
    if (random.uniform(2 * i) >= share) continue
    const row = data.subarray(i * CLASSES, (i + 1) * CLASSES)
    const label = (row.indexOf(1) + 1 + Math.floor((CLASSES - 1) * random.uniform(2 * i + 1))) % CLASSES
    row.fill(0)
    row[label] = 1
  }
  return { x, y: { ...y, data }, count }
}

export function pick({ x, y }: Examples, rows: Uint32Array): Examples {
  const take = (t: Tensor): Tensor => {
    const width = t.data.length / t.shape[0]!
    const data = new Float32Array(rows.length * width)
    const from = t.data as Float32Array // images and one-hot rows are float32
    rows.forEach((row, i) => {
      data.set(from.subarray(row * width, (row + 1) * width), i * width)
    })
    return { dtype: 'float32', shape: [rows.length, ...t.shape.slice(1)], data }
  }
  return { x: take(x), y: take(y), count: rows.length }
}
