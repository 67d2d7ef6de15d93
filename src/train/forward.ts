import { type Graph, tunable, type Value } from '../ir/index.js'
import { meanLoss } from '../nn/losses.js'
import { type Network, sumPenalties, trace } from '../nn/network.js'
import { mixKey } from '../ops/counter-random.js'
import * as ops from '../ops/index.js'
import type { Compiled } from './config.js'
import { disagreement } from './r-drop.js'
import type { StatisticPort } from './step.js'

export interface ForwardOptions {
  readonly graph: Graph
  readonly inputs: readonly Value[]
  /** Targets of each output. */
  readonly targets: readonly Value[]
  /** Weights of the examples for each output, where it has some. */
  readonly sampleWeights: readonly (Value | null)[]
  /** The key of this step's randomness; without one the network is evaluated, not trained. */
  readonly key: Value | undefined
  readonly weights: (path: string) => Value
}

export interface Forward {
  /** Losses of all outputs and penalties. */
  readonly loss: Value
  readonly outputs: Readonly<Record<string, Value>>
  readonly statistics: readonly StatisticPort[]
  /** New values of weights that are not trained by gradient, by path. */
  readonly updates: ReadonlyMap<string, Value>
  /** Values that trained weights take before the update. */
  readonly replaced: ReadonlyMap<string, Value>
}

/** A batch through a network, with loss, penalties and metrics. */
export function forward(net: Network, compiled: Compiled, options: ForwardOptions): Forward {
  const { graph, inputs, targets, sampleWeights, key, weights } = options
  const training = key !== undefined
  const { kernelRegularizer } = compiled
  const traced = trace(net, { training, penalize: true, inputs, weights, key, kernelRegularizer })
  const outputs: Record<string, Value> = {}
  const statistics: StatisticPort[] = []
  // R-Drop: the same batch once more under other masks.
  const second =
    training && compiled.rDrop > 0
      ? trace(net, { training, inputs, weights, key: mixKey(key, 0x5d5d5d), replaced: traced.replaced })
      : null
  const terms = compiled.outputs.map((output, i) => {
    const [yTrue, yPred, sampleWeight] = [targets[i]!, traced.outputs[i]!, sampleWeights[i]!]
    const lossOf = (y: Value) => graph.scope('loss', () => meanLoss(output.loss, yTrue, y, sampleWeight))
    let loss = lossOf(yPred)
    if (second !== null) {
      const other = second.outputs[i]!
      const apart = disagreement(output.loss, yPred, other)
      loss = ops.add(ops.mul(ops.add(loss, lossOf(other)), 0.5), ops.mul(apart, tunable(apart, compiled.rDrop)))
    }
    if (compiled.outputs.length > 1) outputs[`loss/${output.name}`] = loss
    for (const metric of output.metrics)
      graph.scope(`metric/${metric.key}`, () => {
        for (const [name, statistic] of Object.entries(
          metric.statistics({ yTrue, yPred, weight: metric.weighted ? sampleWeight : null }),
        )) {
          const port = `metric/${metric.key}/${name}`
          outputs[port] = statistic.value
          statistics.push({ output: port, metric: metric.key, statistic: name, over: statistic.over })
        }
      })
    return output.lossWeight === 1 ? loss : ops.mul(loss, tunable(loss, output.lossWeight))
  })
  const penalties = sumPenalties(graph, traced.penalties)
  const data = terms.reduce((a, b) => ops.add(a, b))
  const loss = penalties === null ? data : ops.add(data, penalties)
  return { loss, outputs: { ...outputs, loss }, statistics, updates: traced.updates, replaced: traced.replaced }
}
