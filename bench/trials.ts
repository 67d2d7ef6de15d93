/**
 * What a trial of tuneModel costs beside its training: models of one kind, one after the other, with programs shared or
 * not. Processor time of one epoch, the first of a new model less one of a model that has trained before.
 */
import { layers, type Model, optimizers, regularizers, sequential, tensor } from '../src/index.js'
import { programCache } from '../src/runtime/index.js'
import { columns, machine, median } from './harness.js'

const compiled = (model: Model, learningRate: number): Model => {
  const optimizer = optimizers.adam({ learningRate })
  model.compile({ optimizer, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] })
  return model
}
const kinds: Readonly<Record<string, { shape: readonly number[]; make: (l2: number, rate: number) => Model }>> = {
  'MLP 64-64-64-10': {
    shape: [64],
    make: (l2, rate) =>
      sequential([
        layers.dense({ units: 64, activation: 'relu', inputShape: [64], kernelRegularizer: regularizers.l2(l2) }),
        layers.dropout({ rate }),
        layers.dense({ units: 64, activation: 'relu' }),
        layers.dense({ units: 10, activation: 'softmax' }),
      ]),
  },
  'CNN 16-32 on 28 × 28': {
    shape: [1, 28, 28],
    make: (l2, rate) =>
      sequential([
        layers.conv2d({ filters: 16, kernelSize: 3, activation: 'relu', inputShape: [1, 28, 28] }),
        layers.batchNormalization(),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.conv2d({ filters: 32, kernelSize: 3, activation: 'relu', kernelRegularizer: regularizers.l2(l2) }),
        layers.batchNormalization(),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.flatten(),
        layers.dropout({ rate }),
        layers.dense({ units: 10, activation: 'softmax' }),
      ]),
  },
}
const examples = 170
const rounds = 12
const milliseconds = () => process.cpuUsage().user / 1000

const rows: string[][] = []
for (const [kind, { shape, make }] of Object.entries(kinds)) {
  const width = shape.reduce((a, b) => a * b, 1)
  const x = tensor(
    Float32Array.from({ length: examples * width }, (_, i) => Math.sin(i)),
    [examples, ...shape],
  )
  const y = tensor(
    Int32Array.from({ length: examples }, (_, i) => i % 10),
    [examples],
  )
  for (const [what, shared] of [
    ['learning rate', false],
    ['learning rate', true],
    ['l2 and dropout', true],
  ] as const) {
    const cache = programCache()
    const first: number[] = []
    const later: number[] = []
    for (let round = 0; round < rounds; round++) {
      const options = { epochs: 1, batchSize: 32, verbose: 0, validationSplit: 0.2 } as const
      const start = milliseconds()
      const [l2, rate] = what === 'learning rate' ? [0.01, 0.2] : [0.001 * (round + 1), 0.05 * (round + 1)]
      const model = compiled(make(l2, rate), 0.001 * (round + 1))
      if (shared) model.sharePrograms(cache)
      await model.fit(x, y, options)
      const between = milliseconds()
      await model.fit(x, y, options)
      // The first ones warm up.
      if (round >= 3) first.push(between - start)
      if (round >= 3) later.push(milliseconds() - between)
      await model.release()
    }
    const [a, b] = [median(first), median(later)]
    rows.push([kind, what, shared ? 'shared' : 'own', ...[a, b, a - b].map(ms => `${ms.toFixed(0)} ms`)])
  }
}
const head = ['model', 'differs by', 'programs', 'first epoch', 'later epoch', 'beside training']
console.log(`${machine()}\n\nprocessor time of a trial of one epoch\n${columns([head, ...rows])}`)
