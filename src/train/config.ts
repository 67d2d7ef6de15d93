import { ConfigError, nearest } from '../ir/index.js'
import { type Loss, resolveLoss } from '../nn/losses.js'
import { type Metric, type ResolvedMetric, resolveMetric } from '../nn/metrics.js'
import type { Network } from '../nn/network.js'
import type { Regularizer } from '../nn/regularizers.js'
import type { Optimizer } from '../optim/index.js'
import * as optimizers from '../optim/index.js'
import type { DeviceOptions } from '../runtime/index.js'

type PerOutput<T> = T | Readonly<Record<string, T>>

/** How a model is trained; Keras's `compile`. */
export interface CompileOptions extends DeviceOptions {
  /** An optimizer or the name of one, with its defaults. Default rmsprop, as in Keras. */
  optimizer?: Optimizer | 'sgd' | 'adam' | 'adamw' | 'rmsprop'
  /** One loss, or one for each output by name. */
  loss: PerOutput<Loss>
  /** Weight of each output's loss in the sum; 1 when left out. */
  lossWeights?: Readonly<Record<string, number>>
  /** Metrics without sample weights, as in Keras; `'accuracy'` chooses the one that fits. */
  metrics?: readonly Metric[] | Readonly<Record<string, readonly Metric[]>>
  /** Metrics with sample and class weights. */
  weightedMetrics?: readonly Metric[] | Readonly<Record<string, readonly Metric[]>>
  /** Penalty for every kernel that has none of its own: regularizes a whole model in one word. */
  kernelRegularizer?: Regularizer | null
}

export interface OutputConfig {
  readonly name: string
  readonly loss: ReturnType<typeof resolveLoss>
  readonly lossWeight: number
  readonly metrics: readonly (ResolvedMetric & { readonly weighted: boolean; readonly key: string })[]
}

export interface Compiled extends DeviceOptions {
  readonly optimizer: Optimizer
  readonly outputs: readonly OutputConfig[]
  readonly kernelRegularizer: Regularizer | null
  readonly options: CompileOptions
}

/** Reads `compile`'s options for a network. */
export function resolveCompile(net: Network, options: CompileOptions): Compiled {
  const known = [
    'optimizer',
    'loss',
    'lossWeights',
    'metrics',
    'weightedMetrics',
    'kernelRegularizer',
    'device',
    'threads',
  ]
  const problems = Object.keys(options)
    .filter(key => !known.includes(key))
    .map(key => ({
      code: 'unknown-option',
      where: `compile.${key}`,
      expected: `one of ${known.join(', ')}`,
      received: key,
      hint: `did you mean ${nearest(key, known, 1)[0]}?`,
    }))
  if (problems.length > 0)
    throw new ConfigError(problems.length === 1 ? problems[0]! : { code: 'bad-options', where: 'compile', problems })
  if (options.loss === undefined)
    throw new ConfigError({
      code: 'missing-option',
      where: 'compile.loss',
      expected: 'a loss',
      received: 'nothing',
      hint: "say, loss: 'sparseCategoricalCrossentropy'",
    })
  const multiple = net.outputs.length > 1
  const names = net.outputs.map(output => output.name)
  const perOutput = <T>(
    given: unknown,
    name: string,
    isOne: (x: unknown) => boolean,
    option: string,
  ): T | undefined => {
    if (given === undefined) return undefined
    if (isOne(given)) return given as T
    const record = given as Readonly<Record<string, T>>
    for (const key of Object.keys(record))
      if (!names.includes(key))
        throw new ConfigError({
          code: 'unknown-output',
          where: `compile.${option}`,
          expected: `outputs ${names.join(', ')}`,
          received: key,
        })
    return record[name]
  }
  const outputs = net.outputs.map((output): OutputConfig => {
    const one = (x: unknown) =>
      typeof x === 'string' || typeof x === 'function' || (typeof x === 'object' && x !== null && 'type' in x)
    const given = perOutput<Loss>(options.loss, output.name, one, 'loss')
    if (given === undefined)
      throw new ConfigError({
        code: 'missing-loss',
        where: `compile.loss.${output.name}`,
        expected: 'a loss for every output',
        received: 'none',
      })
    const loss = resolveLoss(given)
    const classes = Number(output.shape.at(-1))
    const resolve = (list: readonly Metric[] | undefined, weighted: boolean) =>
      (list ?? []).map(metric => {
        const resolved = resolveMetric(metric, { loss: loss.type, classes })
        return { ...resolved, weighted, key: multiple ? `${output.name}_${resolved.name}` : resolved.name }
      })
    return {
      name: output.name,
      loss,
      lossWeight: options.lossWeights?.[output.name] ?? 1,
      metrics: [
        ...resolve(perOutput(options.metrics, output.name, Array.isArray, 'metrics'), false),
        ...resolve(perOutput(options.weightedMetrics, output.name, Array.isArray, 'weightedMetrics'), true),
      ],
    }
  })
  return {
    optimizer: resolveOptimizer(options.optimizer ?? 'rmsprop'),
    outputs,
    kernelRegularizer: options.kernelRegularizer ?? null,
    device: options.device,
    threads: options.threads,
    options,
  }
}

const recipes = { sgd: optimizers.sgd, adam: optimizers.adam, adamw: optimizers.adamw, rmsprop: optimizers.rmsprop }

/** An optimizer from its name or as it is. */
export function resolveOptimizer(given: Optimizer | string): Optimizer {
  if (typeof given !== 'string') return given
  const recipe = recipes[given as keyof typeof recipes]
  if (recipe === undefined)
    throw new ConfigError({
      code: 'unknown-optimizer',
      where: 'compile.optimizer',
      expected: `one of ${Object.keys(recipes).join(', ')}`,
      received: given,
      hint: `did you mean ${nearest(given, Object.keys(recipes), 1)[0]}?`,
    })
  return recipe()
}

/** An optimizer from what `save` wrote of it; undefined where it was not one of ours. */
export const optimizerFromConfig = (name: string, config: Record<string, unknown>): Optimizer | undefined =>
  name in recipes ? recipes[name as keyof typeof recipes](config) : undefined
