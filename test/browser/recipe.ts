import { type Device, layers, type Model, optimizers, sequential, type Tensor, tensor } from '../../src/index.js'

/** The models every device trains. Dropout's mask is a hash of integers: it is the same on every device. */
export const recipes = {
  'a perceptron': { shape: [20], classes: 5, batch: 32 },
  'a perceptron with dropout': { shape: [20], classes: 5, batch: 32 },
  'a convolutional network': { shape: [1, 12, 12], classes: 4, batch: 16 },
} as const
export type Recipe = keyof typeof recipes

export interface Training {
  readonly losses: readonly number[]
  /** Median over the steps after the first. */
  readonly msPerStep: number
  /** Sum of the magnitudes of all weights at the end. */
  readonly weights: number
  /** Loss on the last batch, without dropout. */
  readonly evaluated: number
  /** Predictions for the last batch. */
  readonly predicted: readonly number[]
}

const { dense, dropout, conv2d, maxPooling2d, flatten } = layers

function build(recipe: Recipe): Model {
  const { shape, classes } = recipes[recipe]
  const inputShape = [...shape]
  if (recipe === 'a convolutional network')
    return sequential([
      conv2d({ filters: 8, kernelSize: 3, padding: 'same', activation: 'relu', inputShape }),
      maxPooling2d({ poolSize: 2 }),
      conv2d({ filters: 8, kernelSize: 3, activation: 'relu' }),
      flatten(),
      dense({ units: classes }),
    ])
  return sequential([
    dense({ units: 32, activation: 'relu', inputShape }),
    ...(recipe === 'a perceptron' ? [] : [dropout({ rate: 0.3 })]),
    dense({ units: classes }),
  ])
}

/** The same numbers everywhere: a linear congruential generator in integers (Numerical Recipes' constants). */
function batches(recipe: Recipe, count: number): { x: Tensor; y: Tensor }[] {
  const { shape, classes, batch } = recipes[recipe]
  let state = 12345
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const size = shape.reduce((a: number, b: number) => a * b, 1)
  return Array.from({ length: count }, () => {
    const y = Int32Array.from({ length: batch }, () => Math.floor(next() * classes))
    // Every class has its own bright positions, so that there is something to learn.
    const x = Float32Array.from(
      { length: batch * size },
      (_, i) => next() + ((i % size) % classes === y[Math.floor(i / size)] ? 1 : 0),
    )
    return { x: tensor(x, [batch, ...shape]), y: tensor(y, [batch]) }
  })
}

/** Trains a recipe on a device and says what came out. */
export async function train(recipe: Recipe, device: Device, steps = 10): Promise<Training> {
  const model = build(recipe)
  model.compile({
    device,
    optimizer: optimizers.adam({ learningRate: 0.01 }),
    loss: { type: 'sparseCategoricalCrossentropy', fromLogits: true },
    metrics: ['accuracy'],
  })
  const data = batches(recipe, steps)
  const losses: number[] = []
  const times: number[] = []
  for (const { x, y } of data) {
    const began = performance.now()
    losses.push((await model.trainOnBatch(x, y)).loss!)
    times.push(performance.now() - began)
  }
  const last = data.at(-1)!
  const evaluated = (await model.evaluate({ x: last.x, y: last.y }, { batchSize: last.x.shape[0]! })).loss!
  const predicted = [...((await model.predict(last.x, { batchSize: last.x.shape[0]! })).data as Float32Array)]
  const weights = Object.values(await model.weights())
    .flatMap(weight => [...(weight.data as Float32Array)])
    .reduce((sum, weight) => sum + Math.abs(weight), 0)
  const sorted = times.slice(1).sort((a, b) => a - b)
  return { losses, msPerStep: sorted[Math.floor(sorted.length / 2)]!, weights, evaluated, predicted }
}

/** Trains until a batch that is not finite stops it; the losses of good batches before and after, and the error's name. */
export async function survive(device: Device): Promise<{ before: number; error: string; after: number }> {
  const model = build('a perceptron')
  model.compile({ device, loss: { type: 'sparseCategoricalCrossentropy', fromLogits: true } })
  const [good, bad] = batches('a perceptron', 2) as [{ x: Tensor; y: Tensor }, { x: Tensor; y: Tensor }]
  // Not NaN itself: shading languages let max(0, NaN) be 0. This overflows, and the loss is infinity minus infinity.
  ;(bad.x.data as Float32Array).fill(3e38)
  await model.trainOnBatch(good.x, good.y)
  const loss = async () => (await model.evaluate({ x: good.x, y: good.y })).loss!
  const before = await loss()
  const error = await model.trainOnBatch(bad.x, bad.y).then(
    () => 'none',
    (thrown: Error) => thrown.name,
  )
  return { before, error, after: await loss() }
}
