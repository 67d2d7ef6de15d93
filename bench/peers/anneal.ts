import { layers, losses, type Model, optimizers, sequential, tensor } from '../../src/index.js'
import type { Peer } from '../harness.js'
import { ADAM, type LayerSpec, type Scenario } from '../scenarios.js'

/** anneal as a user calls it: `compile`, then `trainOnBatch`, with its checks of the data. */
export const anneal: Peer = {
  name: 'anneal',
  async setup(scenario, threads) {
    const model = annealModel(scenario, threads)
    const batches = scenario.batches.map(({ x, y }) => ({
      x: tensor(x, [scenario.batchSize, ...scenario.input]),
      y: tensor(y, [scenario.batchSize]),
    }))
    let t = 0
    let last = Number.NaN
    return {
      async step() {
        const { x, y } = batches[t++ % batches.length]!
        last = (await model.trainOnBatch(x, y)).loss!
        return undefined
      },
      loss: () => last,
      dispose: () => {},
    }
  },
}

/** The scenario's model with its initial weights, compiled but not yet traced. */
export function annealModel(scenario: Scenario, threads?: number): Model {
  const model = sequential(scenario.layers.map((spec, i) => layerOf(spec, i === 0 ? scenario.input : undefined)))
  const paths = model.network.weights.map(weight => weight.path)
  model.setWeights(
    Object.fromEntries(scenario.weights.map(({ shape, data }, i) => [paths[i]!, tensor(data.slice(), shape)])),
  )
  const { learningRate, beta1, beta2, epsilon } = ADAM
  model.compile({
    optimizer: optimizers.adam({ learningRate, beta1, beta2, epsilon }),
    loss: losses.sparseCategoricalCrossentropy({ fromLogits: true }),
    threads,
  })
  return model
}

function layerOf(spec: LayerSpec, inputShape?: readonly number[]) {
  const first = inputShape === undefined ? {} : { inputShape: [...inputShape] }
  if (spec.kind === 'flatten') return layers.flatten(first)
  if (spec.kind === 'maxPool') return layers.maxPooling2d({ ...first, poolSize: spec.size })
  const activation = spec.relu ? 'relu' : 'linear'
  if (spec.kind === 'dense') return layers.dense({ ...first, units: spec.units, activation })
  return layers.conv2d({ ...first, filters: spec.filters, kernelSize: spec.kernel, activation })
}
