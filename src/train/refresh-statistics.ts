import { counterRandom, Graph, type Tensor, tensor } from '../ir/index.js'
import { trace } from '../nn/network.js'
import { compile } from '../runtime/index.js'
import type { Batch } from './batches.js'
import type { Model } from './model.js'
import type { Batches } from './sources.js'
import { KEY } from './step.js'

/**
 * Computes the running statistics of batch normalization anew, as means over one pass through the data, with the weights
 * that are evaluated: after averaging weights (SWA, EMA) the old ones belong to other weights. PyTorch's
 * `swa_utils.update_bn`, but for the variance, which is biased here as in Keras.
 * @returns the paths of the statistics that changed
 */
export async function refreshStatistics(model: Model, batches: Batches): Promise<string[]> {
  const net = model.network
  // The share of a batch in one update of the running value; from zero, the update divided by it is the batch's own.
  const shares = new Map<string, number>()
  for (const call of net.calls)
    if (call.layer.type === 'BatchNormalization' && call.layer.config.trainable)
      for (const weight of call.weights)
        if (!weight.trainable)
          shares.set(weight.path, 1 - Number((call.layer.config as { momentum?: number }).momentum))
  if (shares.size === 0) return []
  const weights = await model.evaluationWeights()
  const sums = new Map([...shares.keys()].map(path => [path, new Float64Array(weights[path]!.data.length)]))
  let examples = 0
  for await (const batch of batches.epoch(0, false)) {
    const statistics = await statisticsOf(model, weights, batch, shares)
    for (const [path, share] of shares) {
      const sum = sums.get(path)!
      const { data } = statistics[path]!
      for (let i = 0; i < sum.length; i++) sum[i]! += (Number(data[i]) / share) * batch.size
    }
    examples += batch.size
  }
  const state = await model.state()
  for (const [path, sum] of sums)
    state.write(
      path,
      tensor(
        Float32Array.from(sum, s => s / examples),
        [sum.length],
      ),
    )
  return [...shares.keys()]
}

/** What one batch in training adds to running statistics of zero, with weights fed from outside. */
async function statisticsOf(
  model: Model,
  weights: Readonly<Record<string, Tensor>>,
  batch: Batch,
  shares: ReadonlyMap<string, number>,
): Promise<Record<string, Tensor>> {
  const net = model.network
  const graph = new Graph()
  const inputs = net.inputs.map(({ name }) => graph.input(name, batch.x[name]!.dtype, batch.x[name]!.shape))
  const values = new Map(
    net.weights.map(({ path, shape }) => {
      const size = shape.reduce((a, b) => a * b, 1)
      const zero = () => graph.constant(tensor(new Float32Array(size), shape))
      return [path, shares.has(path) ? zero() : graph.input(path, 'float32', shape)] as const
    }),
  )
  const key = graph.input(KEY, 'uint32', [])
  const { updates } = trace(net, { training: true, inputs, weights: path => values.get(path)!, key })
  const outputs = Object.fromEntries([...shares.keys()].map(path => [path, updates.get(path)!]))
  const program = await compile(graph, { outputs, device: model.compiled.device, threads: model.compiled.threads })
  const bits = tensor(Uint32Array.of(counterRandom(model.seed, 0x57, 0).bits(model.step)), [])
  return program.run({ ...batch.x, ...weights, [KEY]: bits }, undefined, { ignoreUnknown: true })
}
