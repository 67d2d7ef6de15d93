import { gradients } from '../autodiff/index.js'
import { type DType, Graph, type Tensor, type Value } from '../ir/index.js'
import { constrain } from '../nn/constraints.js'
import { meanLoss } from '../nn/losses.js'
import type { Statistic } from '../nn/metrics.js'
import { type Network, sumPenalties, trace } from '../nn/network.js'
import * as ops from '../ops/index.js'
import { LEARNING_RATE, traceUpdate } from '../optim/optimizer.js'
import { compile, type Program } from '../runtime/index.js'
import type { Compiled } from './config.js'

export const KEY = 'random/key'
export const SAMPLE_WEIGHT = 'sample_weight'
export const target = (output: string): string => `target/${output}`

/** Dtypes and shapes of one batch: what a step is compiled for. */
export interface BatchSignature {
  readonly x: Readonly<Record<string, { dtype: DType; shape: readonly number[] }>>
  readonly y: Readonly<Record<string, { dtype: DType; shape: readonly number[] }>>
  readonly weighted: boolean
}

export interface StatisticPort {
  /** Name among the program's outputs. */
  readonly output: string
  readonly metric: string
  readonly statistic: string
  readonly over: Statistic['over']
}

/** A traced step: forward, loss, penalties, metrics and, for training, gradients and updates: ONE graph. */
export interface StepTrace {
  readonly graph: Graph
  readonly outputs: Readonly<Record<string, Value>>
  readonly updates: Readonly<Record<string, Value>>
  readonly statistics: readonly StatisticPort[]
  /** Scalars the host feeds, from the number of the update (from 1). The learning rate comes on top. */
  readonly feeds: Readonly<Record<string, (step: number) => number>>
}

export interface Step extends Omit<StepTrace, 'graph'> {
  readonly program: Program
}

/** Builds the graph of a training or an evaluation step for batches of one signature. */
export function traceStep(net: Network, compiled: Compiled, signature: BatchSignature, training: boolean): StepTrace {
  const graph = new Graph()
  const inputs = net.inputs.map(input =>
    graph.input(input.name, signature.x[input.name]!.dtype, signature.x[input.name]!.shape),
  )
  const weights = new Map(net.weights.map(w => [w.path, graph.input(w.path, 'float32', w.shape)]))
  const weightOf = (path: string): Value => weights.get(path)!
  const key = training ? graph.input(KEY, 'uint32', []) : undefined
  const traced = trace(net, {
    training,
    penalize: true,
    inputs,
    weights: weightOf,
    key,
    kernelRegularizer: compiled.kernelRegularizer,
  })
  const batch = Object.values(signature.x)[0]!.shape[0]!
  const sampleWeight = signature.weighted ? graph.input(SAMPLE_WEIGHT, 'float32', [batch]) : null

  const outputs: Record<string, Value> = {}
  const statistics: StatisticPort[] = []
  const terms: Value[] = []
  compiled.outputs.forEach((output, i) => {
    const yTrue = graph.input(target(output.name), signature.y[output.name]!.dtype, signature.y[output.name]!.shape)
    const yPred = traced.outputs[i]!
    const loss = graph.scope('loss', () => meanLoss(output.loss, yTrue, yPred, sampleWeight))
    if (compiled.outputs.length > 1) outputs[`loss/${output.name}`] = loss
    terms.push(output.lossWeight === 1 ? loss : ops.mul(loss, output.lossWeight))
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
  })
  const penalties = sumPenalties(graph, traced.penalties)
  const data = terms.reduce((a, b) => ops.add(a, b))
  const loss = penalties === null ? data : ops.add(data, penalties)
  outputs.loss = loss
  if (!training) return { graph, outputs, updates: {}, statistics, feeds: {} }

  const trainable = net.weights.filter(w => w.trainable)
  const grads = gradients(
    loss,
    trainable.map(w => weightOf(w.path)),
    { unconnected: 'zeros' },
  )
  const parameters = trainable.map((w, i) => ({ path: w.path, value: weightOf(w.path), gradient: grads[i]! }))
  const update = graph.scope('update', () =>
    traceUpdate(compiled.optimizer, parameters, (name, like) => graph.input(name, like.dtype, like.shape)),
  )
  const updates: Record<string, Value> = Object.fromEntries([...traced.updates, ...update.slots])
  for (const w of trainable) {
    const next = update.parameters.get(w.path)!
    updates[w.path] = w.constraint ? constrain(w.constraint, next) : next
  }
  return { graph, outputs, updates, statistics, feeds: update.feeds }
}

/** The inference graph for a batch of any size (`'batch'`) or a given one. */
export function traceInference(
  net: Network,
  batch: number | 'batch',
  weightOf: (graph: Graph, path: string, shape: readonly number[]) => Value,
): { graph: Graph; outputs: Record<string, Value> } {
  const graph = new Graph()
  const inputs = net.inputs.map(input => graph.input(input.name, input.dtype, [batch, ...input.shape.slice(1)]))
  const weights = new Map(net.weights.map(w => [w.path, weightOf(graph, w.path, w.shape)]))
  const traced = trace(net, { training: false, inputs, weights: path => weights.get(path)! })
  return { graph, outputs: Object.fromEntries(net.outputs.map((output, i) => [output.name, traced.outputs[i]!])) }
}

export async function compileStep(
  net: Network,
  compiled: Compiled,
  signature: BatchSignature,
  training: boolean,
): Promise<Step> {
  const { graph, ...rest } = traceStep(net, compiled, signature, training)
  return {
    ...rest,
    program: await compile(graph, {
      outputs: rest.outputs,
      updates: rest.updates,
      device: compiled.device,
      threads: compiled.threads,
    }),
  }
}

/** Scalars for one step as tensors. */
export function stepFeeds(step: Step, count: number, rate: number, key: number): Record<string, Tensor> {
  const one = (value: number): Tensor => ({ dtype: 'float32', shape: [], data: Float32Array.of(value) })
  const feeds: Record<string, Tensor> = {}
  for (const port of step.program.inputs) {
    if (port.name === LEARNING_RATE) feeds[port.name] = one(rate)
    else if (port.name === KEY) feeds[port.name] = { dtype: 'uint32', shape: [], data: Uint32Array.of(key) }
    else if (step.feeds[port.name] !== undefined) feeds[port.name] = one(step.feeds[port.name]!(count))
  }
  return feeds
}
