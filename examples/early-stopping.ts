import { drawDigits, fromTensors } from '../src/data/index.js'
import { callbacks, layers, optimizers, sequential } from '../src/index.js'

/** Early stopping ends training when validation loss stops falling and puts the best weights back. */
export async function main({
  examples = 400,
  epochs = 60,
} = {}): Promise<{ stopped: number | null; accuracy: number }> {
  const { images, labels } = drawDigits(2 * examples, { seed: 3 })
  const digits = fromTensors({
    x: {
      dtype: 'float32',
      shape: [2 * examples, 784],
      data: Float32Array.from(images.data as Uint8Array, p => p / 255),
    },
    y: { dtype: 'int32', shape: [2 * examples], data: Int32Array.from(labels.data as Uint8Array) },
  })
  const [train, validation] = digits.split(0.5, { seed: 1 })
  const model = sequential([
    layers.dense({ units: 64, activation: 'relu', inputShape: [784] }),
    layers.dense({ units: 10, activation: 'softmax' }),
  ])
  model.compile({
    optimizer: optimizers.adam({ learningRate: 0.005 }),
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
  })
  const stopping = callbacks.earlyStopping({ monitor: 'val_loss', patience: 4, restoreBestWeights: true })
  await model.fit(train, { epochs, batchSize: 32, validationData: validation, callbacks: [stopping], verbose: 0 })
  const { accuracy } = await model.evaluate(validation)
  return { stopped: stopping.stoppedEpoch(), accuracy: accuracy! }
}

/** What the example claims. */
export const claim = (result: Awaited<ReturnType<typeof main>>): boolean =>
  result.stopped !== null && result.accuracy > 0.7
