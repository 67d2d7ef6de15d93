import { drawDigits, fromTensors } from '../src/data/index.js'
import { layers, optimizers, schedules, sequential } from '../src/index.js'

/**
 * A range test finds how large the learning rate may be; one-cycle then rises to that rate and falls again. The same
 * network trains as long at the default rate of SGD, 0.01, which is far too careful here.
 */
export async function main({ examples = 400, epochs = 6, batchSize = 20 } = {}): Promise<{
  found: number
  oneCycle: number
  constant: number
}> {
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
  const network = (optimizer = optimizers.sgd()) => {
    const model = sequential([
      layers.dense({ units: 64, activation: 'relu', inputShape: [784] }),
      layers.dense({ units: 10, activation: 'softmax' }),
    ])
    model.compile({ optimizer, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] })
    return model
  }
  const lossAfterTraining = async (model: ReturnType<typeof network>) => {
    await model.fit(train, { epochs, batchSize, verbose: 0 })
    return (await model.evaluate(validation)).loss!
  }

  // The model stays as it is; found.chart is the curve, for chartSvg or a report.
  const found = (await network().findLearningRate(train, { batchSize })).suggestion
  const steps = epochs * Math.ceil(train.length! / batchSize)
  const cycle = schedules.oneCycle({ max: found, steps })
  return {
    found,
    oneCycle: await lossAfterTraining(network(optimizers.sgd({ learningRate: cycle }))),
    constant: await lossAfterTraining(network()),
  }
}

/** What the example claims: a rate above the default, and a clearly lower loss on new digits. */
export const claim = (result: Awaited<ReturnType<typeof main>>): boolean =>
  result.found > 0.01 && result.found < 0.3 && result.oneCycle < 0.85 * result.constant
