import { gradients } from '../autodiff/index.js'
import { type DType, Graph, type Tensor, type Value } from '../ir/index.js'
import { constrain } from '../nn/constraints.js'
import type { Statistic } from '../nn/metrics.js'
import { type Network, trace } from '../nn/network.js'
import { mixKey } from '../ops/counter-random.js'
import { type EvaluationContext, keyLabel, type Optimizer, slotInputs, traceUpdate } from '../optim/optimizer.js'
import type { HostScalar, StepInfo } from '../optim/transform.js'
import { compile, type Program, type ProgramCache } from '../runtime/index.js'
import type { Compiled } from './config.js'
import { type Forward, forward } from './forward.js'

export const KEY = 'random/key'
export const target = (output: string): string => `target/${output}`
export const sampleWeight = (output: string): string => `sample_weight/${output}`

/** Dtypes and shapes of one batch: what a step is compiled for. */
export interface BatchSignature {
  readonly x: Readonly<Record<string, { dtype: DType; shape: readonly number[] }>>
  readonly y: Readonly<Record<string, { dtype: DType; shape: readonly number[] }>>
  /** Of the outputs whose examples have weights. */
  readonly weights: Readonly<Record<string, { shape: readonly number[] }>>
}

/**
 * What a step does: `evaluate` computes loss and metrics; `gradients` computes gradients too and moves nothing but
 * running statistics; any other word is a phase of the optimizer, whose update is made.
 */
export type StepKind = 'evaluate' | 'gradients' | { readonly phase: string }

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
  /** Scalars the host feeds at each update. */
  readonly feeds: Readonly<Record<string, HostScalar>>
}

export interface Step extends Omit<StepTrace, 'graph'> {
  readonly program: Program
}

/** The name of a parameter's gradient among a step's outputs. */
export const gradientOf = (path: string): string => `gradient/${path}`

/** Builds the graph of a step for batches of one signature; `tunables` as in `Graph`. */
export function traceStep(
  net: Network,
  compiled: Compiled,
  signature: BatchSignature,
  kind: StepKind,
  tunables: Map<string, Tensor> | null = null,
): StepTrace {
  const graph = new Graph(null, tunables)
  const inputs = net.inputs.map(input =>
    graph.input(input.name, signature.x[input.name]!.dtype, signature.x[input.name]!.shape),
  )
  const weights = new Map(net.weights.map(w => [w.path, graph.input(w.path, 'float32', w.shape)]))
  const training = kind !== 'evaluate'
  const key = training ? graph.input(KEY, 'uint32', []) : undefined
  const sampleWeights = compiled.outputs.map(({ name }) => {
    const weight = signature.weights[name]
    return weight === undefined ? null : graph.input(sampleWeight(name), 'float32', weight.shape)
  })
  const targets = compiled.outputs.map(({ name }) =>
    graph.input(target(name), signature.y[name]!.dtype, signature.y[name]!.shape),
  )
  const at = (weightOf: (path: string) => Value): Forward =>
    forward(net, compiled, { graph, inputs, targets, sampleWeights, key, weights: weightOf })

  if (!training) {
    const evaluated = evaluationWeights(net, compiled.optimizer, graph, weights)
    const { outputs, statistics } = at(path => evaluated.get(path)!)
    return { graph, outputs, updates: {}, statistics, feeds: {} }
  }
  const { loss, outputs, statistics, updates: own, replaced } = at(path => weights.get(path)!)
  const trainable = net.weights.filter(w => w.trainable)
  const gradientsOf = (value: Value, wrt: readonly Value[]) => gradients(value, wrt, { unconnected: 'zeros' })
  const values = trainable.map(w => replaced.get(w.path) ?? weights.get(w.path)!)
  const grads = gradientsOf(loss, values)
  if (kind === 'gradients') {
    const named = Object.fromEntries(trainable.map((w, i) => [gradientOf(w.path), grads[i]!]))
    // Running statistics are among them: the runtime moves them in place where nobody asks for the moved ones.
    return { graph, outputs: { ...outputs, ...named }, updates: Object.fromEntries(own), statistics, feeds: {} }
  }
  const update = graph.scope('update', () =>
    traceUpdate(compiled.optimizer, {
      parameters: trainable.map((w, i) => ({ path: w.path, value: values[i]!, gradient: grads[i]! })),
      phase: kind.phase,
      key: name => mixKey(key!, keyLabel(name)),
      gradientsAt: others => {
        const moved = (path: string): Value => others.get(path) ?? weights.get(path)!
        const there = at(moved)
        return gradientsOf(
          there.loss,
          trainable.map(w => there.replaced.get(w.path) ?? moved(w.path)),
        )
      },
    }),
  )
  const updates: Record<string, Value> = Object.fromEntries([...own, ...update.slots])
  for (const w of trainable) {
    const next = update.parameters.get(w.path)
    if (next !== undefined) updates[w.path] = w.constraint ? constrain(w.constraint, next) : next
    else if (replaced.has(w.path)) updates[w.path] = replaced.get(w.path)!
  }
  return { graph, outputs, updates, statistics, feeds: update.feeds }
}

/** The weights an optimizer wants evaluated: its averages, where it keeps some. */
function evaluationWeights(
  net: Network,
  optimizer: Optimizer,
  graph: Graph,
  weights: ReadonlyMap<string, Value>,
): ReadonlyMap<string, Value> {
  if (optimizer.evaluate === undefined) return weights
  const trainable = net.weights.filter(w => w.trainable)
  const slot = slotInputs(graph, optimizer.slots(trainable))
  const parameters = trainable.map(({ path }) => ({ path, value: weights.get(path)! }))
  const context: EvaluationContext = { parameters, slot }
  return new Map([...weights, ...optimizer.evaluate(context)])
}

/** The inference graph for a batch of any size (`'batch'`) or a given one; with an optimizer, on the weights it wants evaluated. */
export function traceInference(
  net: Network,
  batch: number | 'batch',
  weightOf: (graph: Graph, path: string, shape: readonly number[]) => Value,
  optimizer?: Optimizer,
): { graph: Graph; outputs: Record<string, Value> } {
  const graph = new Graph()
  const inputs = net.inputs.map(input => graph.input(input.name, input.dtype, [batch, ...input.shape.slice(1)]))
  const raw = new Map(net.weights.map(w => [w.path, weightOf(graph, w.path, w.shape)]))
  const weights = optimizer === undefined ? raw : evaluationWeights(net, optimizer, graph, raw)
  const traced = trace(net, { training: false, inputs, weights: path => weights.get(path)! })
  return { graph, outputs: Object.fromEntries(net.outputs.map((output, i) => [output.name, traced.outputs[i]!])) }
}

/** The weights an optimizer wants evaluated, as a graph of their own; `paths` says whose value an output is. */
export function traceEvaluationWeights(
  net: Network,
  optimizer: Optimizer,
): { graph: Graph; outputs: Record<string, Value>; paths: Record<string, string> } {
  const graph = new Graph()
  const weights = new Map(net.weights.map(w => [w.path, graph.input(w.path, 'float32', w.shape)]))
  const evaluated = evaluationWeights(net, optimizer, graph, weights)
  const changed = [...evaluated].filter(([path, value]) => value !== weights.get(path))
  // Weights are inputs under their paths: outputs need other names.
  const nameOf = (path: string) => `evaluated/${path}`
  return {
    graph,
    outputs: Object.fromEntries(changed.map(([path, value]) => [nameOf(path), value])),
    paths: Object.fromEntries(changed.map(([path]) => [nameOf(path), path])),
  }
}

export async function compileStep(
  net: Network,
  compiled: Compiled,
  signature: BatchSignature,
  kind: StepKind,
  cache?: ProgramCache,
): Promise<Step> {
  // In a program of its own a model's numbers are constants, which can be folded.
  const tunables = cache === undefined ? null : new Map<string, Tensor>()
  const { graph, ...rest } = traceStep(net, compiled, signature, kind, tunables)
  return {
    ...rest,
    program: await compile(graph, {
      outputs: rest.outputs,
      updates: rest.updates,
      device: compiled.device,
      threads: compiled.threads,
      cache,
    }),
  }
}

/** Scalars for one step as tensors. */
export function stepFeeds(step: Step, info: StepInfo, key: number): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {}
  for (const { name } of step.program.inputs) {
    if (name === KEY) feeds[name] = { dtype: 'uint32', shape: [], data: Uint32Array.of(key) }
    else if (step.feeds[name] !== undefined)
      feeds[name] = { dtype: 'float32', shape: [], data: Float32Array.of(step.feeds[name](info)) }
  }
  return feeds
}
