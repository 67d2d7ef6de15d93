import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { mnist } from '../src/data/index.js'
import { NumericError, type Tensor, tensor } from '../src/ir/index.js'
import * as layers from '../src/nn/layers/index.js'
import * as optimizers from '../src/optim/index.js'
import { programCache } from '../src/runtime/index.js'
import { sequential } from '../src/train/index.js'
import type { Problem } from './problems.js'

/** An MLP on few digits: its validation loss after some epochs, by hyperparameters. Same seed, data and order always. */
const SIDE = 14
const TRAIN = 600
const HELD = 400

interface Data {
  readonly x: Tensor
  readonly y: Tensor
}

async function load(): Promise<{ description: string; train: Data; held: Data }> {
  const beside = fileURLToPath(new URL('../../shared/data/', import.meta.url))
  if (existsSync(beside)) process.env.ANNEAL_DATA ??= beside
  const { train, description } = await mnist({ train: TRAIN + HELD })
  const pixels: number[] = []
  const labels: number[] = []
  for await (const { x, y } of train) {
    const image = x.data as Float32Array
    // Means of four pixels.
    for (let i = 0; i < SIDE * SIDE; i++) {
      const at = 2 * (28 * Math.floor(i / SIDE) + (i % SIDE))
      pixels.push((image[at]! + image[at + 1]! + image[at + 28]! + image[at + 29]!) / 4)
    }
    labels.push(Number(y.data[0]))
  }
  const part = (from: number, to: number): Data => ({
    x: tensor(Float32Array.from(pixels.slice(from * SIDE * SIDE, to * SIDE * SIDE)), [to - from, SIDE * SIDE]),
    y: tensor(Int32Array.from(labels.slice(from, to)), [to - from]),
  })
  return { description, train: part(0, TRAIN), held: part(TRAIN, TRAIN + HELD) }
}

let loaded: ReturnType<typeof load> | undefined
const programs = programCache({ size: 128 })
/** What a training counts that learned nothing or whose loss ended beyond numbers. */
const WORST = 5

export const digits: Problem = {
  trials: 60,
  note: async () => (await (loaded ??= load())).description,
  grid: {
    rate: [1e-3, 1e-2, 1e-1],
    units: [16, 64],
    layers: [1, 2],
    l2: [1e-5, 1e-3],
    dropout: [0, 0.3],
    activation: ['relu'],
    optimizer: ['adam'],
  },
  objective: async trial => {
    const learningRate = await trial.suggestFloat('rate', 1e-4, 1, { log: true })
    const units = await trial.suggestInt('units', 8, 128, { log: true })
    const depth = await trial.suggestInt('layers', 1, 3)
    const l2 = await trial.suggestFloat('l2', 1e-6, 1e-1, { log: true })
    const rate = await trial.suggestFloat('dropout', 0, 0.6)
    const activation = await trial.suggestCategorical('activation', ['relu', 'tanh'])
    const optimizer = await trial.suggestCategorical('optimizer', ['adam', 'sgd'])
    const { train, held } = await (loaded ??= load())
    const hidden = Array.from({ length: depth }, (_, i) => [
      layers.dense({
        units,
        activation,
        kernelRegularizer: { type: 'l2', l2 },
        ...(i === 0 ? { inputShape: [SIDE * SIDE] } : {}),
      }),
      layers.dropout({ rate }),
    ])
    const model = sequential([...hidden.flat(), layers.dense({ units: 10, activation: 'softmax' })], { seed: 1 })
    model.compile({
      optimizer:
        optimizer === 'adam' ? optimizers.adam({ learningRate }) : optimizers.sgd({ learningRate, momentum: 0.9 }),
      // The penalty is part of the loss that is minimized, but not of the one that counts.
      loss: 'sparseCategoricalCrossentropy',
      metrics: ['sparseCategoricalCrossentropy'],
      threads: 1,
    })
    model.sharePrograms(programs)
    try {
      await model.fit(train.x, train.y, { epochs: 8, batchSize: 50, verbose: 0 })
      const logs = await model.evaluate(held.x, held.y, { batchSize: HELD })
      return Math.min(logs.sparseCategoricalCrossentropy!, WORST)
    } catch (error) {
      if (error instanceof NumericError) return WORST
      throw error
    } finally {
      await model.release()
    }
  },
}
