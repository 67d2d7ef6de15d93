import {
  ConfigError,
  type DType,
  Graph,
  GraphError,
  nearest,
  type Shape,
  ShapeError,
  scalar,
  type TensorType,
  tensor,
  type Value,
} from '../ir/index.js'
import { mixKey, type RandomKey } from '../ops/counter-random.js'
import * as ops from '../ops/index.js'
import type { CallContext, Layer, WeightSpec } from './layer.js'
import { penalty, type Regularizer } from './regularizers.js'

/** The result of a layer that has not been computed yet: the functional API's currency. Axis 0 is `'batch'`. */
export interface SymbolicTensor {
  readonly shape: Shape
  readonly dtype: DType
  /** The layer call that makes it; null for a model's input. */
  readonly call: LayerCall | null
  /** The name of a model's input. */
  readonly inputName?: string | undefined
}

interface LayerCall {
  readonly layer: Layer
  readonly inputs: readonly SymbolicTensor[]
}

export interface InputOptions {
  /** Shape of one example, without the batch axis. */
  shape: readonly number[]
  /** Default float32. */
  dtype?: DType
  /** Default `input`, `input_1`, … */
  name?: string
}

/** An input of a functional model. */
export function input(options: InputOptions): SymbolicTensor {
  const { shape, dtype = 'float32', name } = options ?? {}
  if (!Array.isArray(shape) || !shape.every(dim => Number.isInteger(dim) && dim > 0))
    throw new ConfigError({
      code: 'bad-option',
      where: 'input.shape',
      expected: 'the shape of one example: whole numbers above 0, without the batch',
      received: String(shape),
    })
  return { shape: ['batch', ...shape], dtype, call: null, inputName: name }
}

/** Refuses what is not a list of symbolic tensors: plain JavaScript has no types to do so. */
function checkSymbolic(list: readonly SymbolicTensor[], where: string): void {
  for (const t of list as readonly unknown[])
    if (typeof t !== 'object' || t === null || !('call' in t) || !('shape' in t))
      throw new ConfigError({
        code: 'not-symbolic',
        where,
        expected: 'symbolic tensors: results of input() and layer.apply()',
        received: Array.isArray(t) ? 'an array' : t === null ? 'null' : typeof t,
      })
}

/** Applies a layer symbolically: builds it once in a scratch graph to learn the shape it gives. */
export function symbolicCall(layer: Layer, inputs: readonly SymbolicTensor[]): SymbolicTensor {
  checkSymbolic(inputs, `${layer.type}.apply`)
  if (inputs.length === 0)
    throw new ConfigError({
      code: 'not-symbolic',
      where: `${layer.type}.apply`,
      expected: 'an input',
      received: 'none',
    })
  const graph = new Graph()
  const values = inputs.map((t, i) => graph.input(`x${i}`, t.dtype, t.shape))
  const path = layer.config.name ?? snake(layer.type)
  const specs = layer.weights(values, path)
  const out = graph.scope(path, () => layer.call(plainContext(graph, path, specs), ...values))
  if (out.shape[0] !== 'batch' && inputs.some(t => t.shape[0] === 'batch'))
    throw new ShapeError({
      code: 'lost-batch',
      where: path,
      expected: 'a result whose first axis is the batch',
      received: out.shape,
    })
  return { shape: out.shape, dtype: out.dtype, call: { layer, inputs } }
}

function plainContext(graph: Graph, path: string, specs: readonly WeightSpec[]): CallContext {
  const weights = new Map(specs.map(spec => [spec.name, graph.input(`${path}/${spec.name}`, 'float32', spec.shape)]))
  return {
    graph,
    path,
    training: false,
    weight: name => weights.get(name)!,
    update: () => {},
    replace: (name, build) => build(weights.get(name)!),
    addLoss: () => {},
    randomKey: () => graph.constant(tensor(Uint32Array.of(0), [])),
  }
}

/** A weight of a network: a layer's declaration with its path. */
export interface Weight extends WeightSpec {
  readonly path: string
  readonly layer: string
  readonly trainable: boolean
}

/** A layer as it stands in a network: with its name and what it is applied to. */
export interface NetworkCall {
  readonly name: string
  readonly layer: Layer
  /** Indices of calls, or of inputs as −1 − i. */
  readonly inputs: readonly number[]
  readonly output: TensorType
  readonly weights: readonly Weight[]
}

/** A model's architecture: plain data, no weights' values. */
export interface Network {
  readonly name: string
  readonly inputs: readonly { readonly name: string; readonly dtype: DType; readonly shape: Shape }[]
  readonly outputs: readonly {
    readonly name: string
    readonly from: number
    readonly shape: Shape
    readonly dtype: DType
  }[]
  readonly calls: readonly NetworkCall[]
  readonly weights: readonly Weight[]
}

/** The network between symbolic inputs and outputs. */
export function network(
  inputs: readonly SymbolicTensor[],
  outputs: readonly SymbolicTensor[],
  name = 'model',
): Network {
  checkSymbolic(inputs, `${name}: inputs`)
  checkSymbolic(outputs, `${name}: outputs`)
  if (inputs.length === 0 || outputs.length === 0)
    throw new ConfigError({
      code: 'empty-model',
      where: name,
      expected: 'an input and an output or more',
      received: `${inputs.length} inputs, ${outputs.length} outputs`,
    })
  const index = new Map<SymbolicTensor, number>(inputs.map((t, i) => [t, -1 - i]))
  const names = new Map<Layer, string>()
  const taken = new Map<string, number>()
  const reserved = givenNames(outputs)
  const calls: NetworkCall[] = []
  const declared = new Map<string, Weight>()
  const visit = (t: SymbolicTensor): number => {
    const known = index.get(t)
    if (known !== undefined) return known
    if (t.call === null)
      throw new GraphError({
        code: 'missing-input',
        where: name,
        expected: 'every input that the outputs depend on among the inputs given',
        received: t.inputName ?? `an input of shape [${t.shape}]`,
        hint: 'add it to the inputs of model({ inputs, outputs })',
      })
    const from = t.call.inputs.map(visit)
    const { layer } = t.call
    const callName = names.get(layer) ?? nameOf(layer, taken, reserved)
    names.set(layer, callName)
    const specs = layer.weights(t.call.inputs, callName)
    const weights = specs.map(spec => {
      const path = `${callName}/${spec.name}`
      const weight: Weight = {
        ...spec,
        path,
        layer: callName,
        trainable: (spec.trainable ?? true) && layer.config.trainable,
      }
      const before = declared.get(path)
      if (before !== undefined && String(before.shape) !== String(weight.shape))
        throw new ShapeError({
          code: 'shared-layer',
          where: path,
          expected: `[${before.shape}], as where it is first used`,
          received: `[${weight.shape}]`,
        })
      if (before === undefined) declared.set(path, weight)
      return weight
    })
    calls.push({ name: callName, layer, inputs: from, output: { dtype: t.dtype, shape: t.shape }, weights })
    index.set(t, calls.length - 1)
    return calls.length - 1
  }
  const used = outputs.map(visit)
  const multiple = outputs.length > 1
  const ports = new Set<string>()
  const portName = (wanted: string): string => {
    let free = wanted
    for (let i = 1; ports.has(free); i++) free = `${wanted}_${i}`
    ports.add(free)
    return free
  }
  for (const { inputName } of inputs) {
    if (inputName === undefined) continue
    if (ports.has(inputName))
      throw new ConfigError({ code: 'duplicate-input', where: name, expected: 'names used once', received: inputName })
    ports.add(inputName)
  }
  return {
    name,
    inputs: inputs.map(t => ({ name: t.inputName ?? portName('input'), dtype: t.dtype, shape: t.shape })),
    outputs: outputs.map((t, i) => ({
      name: portName(multiple && used[i]! >= 0 ? calls[used[i]!]!.name : 'output'),
      from: used[i]!,
      shape: t.shape,
      dtype: t.dtype,
    })),
    calls,
    weights: [...declared.values()],
  }
}

/** The names users gave to the layers that the outputs depend on: none is made up for another layer. */
function givenNames(outputs: readonly SymbolicTensor[]): ReadonlySet<string> {
  const owners = new Map<string, Layer>()
  const seen = new Set<SymbolicTensor>()
  const stack = [...outputs]
  for (let t = stack.pop(); t !== undefined; t = stack.pop()) {
    if (seen.has(t) || t.call === null) continue
    seen.add(t)
    const { layer, inputs } = t.call
    const { name } = layer.config
    if (name !== undefined && (owners.get(name) ?? layer) !== layer)
      throw new ConfigError({
        code: 'duplicate-layer',
        where: name,
        expected: 'layer names used once',
        received: name,
        hint: 'rename one of the layers',
      })
    if (name !== undefined) owners.set(name, layer)
    stack.push(...inputs)
  }
  return new Set(owners.keys())
}

/** `dense`, `dense_1`, … in the order in which layers are reached. */
function nameOf(layer: Layer, taken: Map<string, number>, reserved: ReadonlySet<string>): string {
  if (layer.config.name !== undefined) return layer.config.name
  const stem = snake(layer.type)
  let count = taken.get(stem) ?? 0
  const candidate = () => (count === 0 ? stem : `${stem}_${count}`)
  while (reserved.has(candidate())) count++
  taken.set(stem, count + 1)
  return candidate()
}

/** `BatchNormalization` → `batch_normalization`, `Conv2D` → `conv2d`. */
export const snake = (type: string): string =>
  type
    .replace(/([a-z0-9])([A-Z])(?=[a-z])/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/_(\d)d/g, '$1d')

export interface TraceOptions {
  readonly training: boolean
  readonly inputs: readonly Value[]
  /** The value of each weight by path. */
  readonly weights: (path: string) => Value
  /** A uint32 scalar that is new at each step; needed in training. */
  readonly key?: RandomKey | undefined
  /** What an earlier pass of the same step has replaced. */
  readonly replaced?: ReadonlyMap<string, Value>
  /** Whether regularizers are wanted (training and evaluation, not prediction). Default false. */
  readonly penalize?: boolean
  /** Penalty for kernels that have none of their own. */
  readonly kernelRegularizer?: Regularizer | null | undefined
}

export interface NetworkTrace {
  readonly outputs: readonly Value[]
  /** The result of every layer call, in order. */
  readonly layers: readonly Value[]
  /** New values of non-trainable weights. */
  readonly updates: ReadonlyMap<string, Value>
  /** Values that trainable weights take before this step's update: gradients and update are of these. */
  readonly replaced: ReadonlyMap<string, Value>
  /** Penalties to add to the loss (scalars). */
  readonly penalties: readonly Value[]
}

/** Builds the network's computation in the graph its inputs belong to. */
export function trace(net: Network, options: TraceOptions): NetworkTrace {
  const { graph } = options.inputs[0]!
  const updates = new Map<string, Value>()
  const replaced = new Map(options.replaced)
  // A layer that is applied again sees what its first application left.
  const current = (path: string): Value => replaced.get(path) ?? updates.get(path) ?? options.weights(path)
  const penalties: Value[] = []
  const results: Value[] = []
  net.calls.forEach((call, position) => {
    const inputs = call.inputs.map(from => (from < 0 ? options.inputs[-1 - from]! : results[from]!))
    const find = (name: string): Weight => {
      const weight = call.weights.find(w => w.name === name)
      if (weight === undefined)
        throw new GraphError({
          code: 'unknown-weight',
          where: call.name,
          expected: `one of ${call.weights.map(w => w.name).join(', ')}`,
          received: name,
        })
      return weight
    }
    let draws = 0
    const ctx: CallContext = {
      graph,
      path: call.name,
      training: options.training && call.layer.config.trainable,
      weight: name => current(find(name).path),
      update: (name, value) => updates.set(find(name).path, value),
      replace: (name, build) => {
        const { path, trainable } = find(name)
        const values = trainable ? replaced : updates
        const value = values.get(path) ?? build(options.weights(path))
        values.set(path, value)
        return value
      },
      addLoss: build => {
        if (options.penalize) penalties.push(build())
      },
      randomKey: seed => {
        if (options.key === undefined)
          throw new GraphError({
            code: 'no-random-key',
            where: call.name,
            expected: 'a key in training',
            received: 'none',
          })
        return mixKey(options.key, seed === undefined ? 0 : 1, seed ?? position, draws++)
      },
    }
    results.push(graph.scope(call.name, () => call.layer.call(ctx, ...inputs)))
  })
  if (options.penalize)
    penalties.push(...graph.scope('penalty', () => weightPenalties(net, { ...options, weights: current })))
  return {
    outputs: net.outputs.map(o => (o.from < 0 ? options.inputs[-1 - o.from]! : results[o.from]!)),
    layers: results,
    updates,
    replaced,
    penalties,
  }
}

/** The regularizers of all trainable weights, each weight once however often its layer is applied. */
function weightPenalties(net: Network, { weights, kernelRegularizer }: TraceOptions): Value[] {
  return net.weights.flatMap(weight => {
    const own = weight.regularizer ?? (isKernel(weight) ? kernelRegularizer : null)
    return own === null || own === undefined || !weight.trainable ? [] : [penalty(own, weights(weight.path))]
  })
}

/** Kernels are the weights that multiply: not biases, not the scales of a normalization, not embeddings. */
export const isKernel = (weight: { name: string }): boolean => /kernel$/i.test(weight.name)

/** Scalar sum of penalties; zero where there are none. */
export const sumPenalties = (graph: Graph, penalties: readonly Value[]): Value | null =>
  penalties.length === 0 ? null : penalties.reduce((a, b) => ops.add(a, b), scalar(graph, 'float32', 0))

/** The layer of that name, or an error with the nearest names. */
export function callOf(net: Network, name: string): NetworkCall {
  const call = net.calls.find(c => c.name === name)
  if (call === undefined)
    throw new ConfigError({
      code: 'unknown-layer',
      where: net.name,
      expected: `one of ${nearest(
        name,
        net.calls.map(c => c.name),
      ).join(', ')}`,
      received: name,
    })
  return call
}
