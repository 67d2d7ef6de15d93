import { drawDigits, fromTensors } from '../src/data/index.js'
import { layers, optimizers, sequential } from '../src/index.js'
import { categorical, float, pruners, samplers, space, tuneModel } from '../src/tune/index.js'

/** Tunes a network for drawn digits: learning rate, width, dropout. Trials that fall behind are pruned after some epochs. */
export async function main({ examples = 300, trials = 12, epochs = 8 } = {}): Promise<{
  accuracy: number
  epochs: number
  whole: number
  programs: { compiled: number; found: number }
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
  const [train, validationData] = digits.split(0.5, { seed: 1 })
  const { study, best, programs } = await tuneModel(
    ({ lr, units, dropout }, { seed }) => {
      const model = sequential(
        [
          layers.dense({ units, activation: 'relu', inputShape: [784] }),
          layers.dropout({ rate: dropout }),
          layers.dense({ units: 10, activation: 'softmax' }),
        ],
        { seed },
      )
      const optimizer = optimizers.adam({ learningRate: lr })
      model.compile({ optimizer, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] })
      return model
    },
    train,
    space({
      lr: float(1e-5, 1, { log: true }),
      units: categorical([16, 32]),
      dropout: categorical([0, 0.2]),
    }),
    {
      trials,
      monitor: 'val_accuracy',
      sampler: samplers.tpe({ seed: 1, nStartupTrials: 5 }),
      pruner: pruners.successiveHalving({ minResource: 2, reductionFactor: 2 }),
      fit: { epochs, batchSize: 50, validationData },
    },
  )
  const trained = (await study.trials()).map(trial => trial.intermediateValues.size)
  const { accuracy } = await best.model.evaluate(validationData, { batchSize: 50 })
  return { accuracy: accuracy!, epochs: trained.reduce((sum, n) => sum + n, 0), whole: trials * epochs, programs }
}

/** What the example claims: a good model for less than four fifths of the training, and each kind of network compiled once. */
export const claim = ({ accuracy, epochs, whole, programs }: Awaited<ReturnType<typeof main>>): boolean =>
  accuracy > 0.75 && epochs < 0.8 * whole && programs.compiled <= 8 && programs.found > programs.compiled
