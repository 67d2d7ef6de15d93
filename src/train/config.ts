import { ConfigError, nearest } from '../ir/index.js'
import { type Loss, type ResolvedLoss, resolveLoss } from '../nn/losses.js'
import { type Metric, type ResolvedMetric, resolveMetric } from '../nn/metrics.js'
import type { Network } from '../nn/network.js'
import { parseOptions } from '../nn/plugin.js'
import { type Regularizer, regularizerSchema } from '../nn/regularizers.js'
import type { Optimizer } from '../optim/index.js'
import * as optimizers from '../optim/index.js'
import type { DeviceOptions } from '../runtime/index.js'

type PerOutput<T> = T | Readonly<Record<string, T>>

/** One metric, a list of them, or either for each output by name. */
type Metrics = Metric | readonly Metric[] | Readonly<Record<string, Metric | readonly Metric[]>>

/** How a model is trained; Keras's `compile`. */
export interface CompileOptions extends DeviceOptions {
  /** An optimizer or the name of one, with its defaults. Default rmsprop, as in Keras. */
  optimizer?: Optimizer | 'sgd' | 'adam' | 'adamw' | 'rmsprop'
  /** One loss, or one for each output by name. */
  loss: PerOutput<Loss>
  /** Weight of each output's loss in the sum; 1 when left out. */
  lossWeights?: Readonly<Record<string, number>>
  /** Metrics without sample weights, as in Keras; `'accuracy'` chooses the one that fits. */
  metrics?: Metrics
  /** Metrics with sample and class weights; `weighted_` stands before a name that `metrics` has too. */
  weightedMetrics?: Metrics
  /** Penalty for every kernel that has none of its own: regularizes a whole model in one word. */
  kernelRegularizer?: Regularizer | null
}

export interface OutputConfig {
  readonly name: string
  readonly loss: ResolvedLoss
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
  if (typeof options !== 'object' || options === null)
    throw new ConfigError({
      code: 'missing-option',
      where: 'compile',
      expected: "options, say { optimizer: 'adam', loss: 'mse' }",
      received: String(options),
    })
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
  if (options.loss === undefined || options.loss === null)
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
    if (given === undefined || given === null) return undefined
    if (isOne(given)) return given as T
    if (typeof given !== 'object')
      throw new ConfigError({
        code: 'bad-option',
        where: `compile.${option}`,
        expected: 'a name, a record made by a factory, a function, or one of these for each output',
        received: given,
      })
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
  const one = (x: unknown) =>
    typeof x === 'string' || typeof x === 'function' || (typeof x === 'object' && x !== null && 'type' in x)
  for (const [name, weight] of Object.entries(options.lossWeights ?? {}))
    if (!names.includes(name) || !Number.isFinite(weight))
      throw new ConfigError({
        code: 'bad-option',
        where: `compile.lossWeights.${name}`,
        expected: `a finite number for one of the outputs ${names.join(', ')}`,
        received: weight,
      })
  const outputs = net.outputs.map((output): OutputConfig => {
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
    const taken = new Map<string, number>()
    const prefix = multiple ? `${output.name}_` : ''
    const resolve = (given: Metrics | undefined, option: 'metrics' | 'weightedMetrics') => {
      const own = perOutput<Metric | readonly Metric[]>(given, output.name, x => one(x) || Array.isArray(x), option)
      const list = own === undefined ? [] : Array.isArray(own) ? (own as readonly Metric[]) : [own as Metric]
      const weighted = option === 'weightedMetrics'
      return list.map(metric => {
        const resolved = resolveMetric(metric, { loss: loss.type, classes })
        return { ...resolved, weighted, key: uniqueKey(prefix, resolved.name, weighted, taken) }
      })
    }
    return {
      name: output.name,
      loss,
      lossWeight: options.lossWeights?.[output.name] ?? 1,
      metrics: [...resolve(options.metrics, 'metrics'), ...resolve(options.weightedMetrics, 'weightedMetrics')],
    }
  })
  return {
    optimizer: resolveOptimizer(options.optimizer ?? 'rmsprop'),
    outputs,
    kernelRegularizer: parseOptions(regularizerSchema, options.kernelRegularizer, 'compile.kernelRegularizer'),
    device: options.device,
    threads: options.threads,
    options,
  }
}

/** A name for the logs that no other metric has, made as Keras makes it. */
function uniqueKey(prefix: string, name: string, weighted: boolean, taken: Map<string, number>): string {
  let key = `${prefix}${name}`
  if (weighted && taken.has(key)) key = `${prefix}weighted_${name}`
  const count = taken.get(key) ?? 0
  taken.set(key, count + 1)
  return count === 0 ? key : `${key}_${count}`
}

const recipes = { sgd: optimizers.sgd, adam: optimizers.adam, adamw: optimizers.adamw, rmsprop: optimizers.rmsprop }

/** An optimizer from its name or as it is. */
export function resolveOptimizer(given: Optimizer | string): Optimizer {
  if (typeof given === 'object' && given !== null && 'transforms' in given) return given
  const recipe = recipes[String(given) as keyof typeof recipes]
  if (recipe === undefined)
    throw new ConfigError({
      code: 'unknown-optimizer',
      where: 'compile.optimizer',
      expected: `an optimizer, or one of ${Object.keys(recipes).join(', ')}`,
      received: given,
      hint: `did you mean ${nearest(String(given), Object.keys(recipes), 1)[0]}?`,
    })
  return recipe()
}

/** An optimizer from what `save` wrote of it; undefined where it was not one of ours. */
export const optimizerFromConfig = (name: string, config: Record<string, unknown>): Optimizer | undefined =>
  Object.hasOwn(recipes, name) ? recipes[name as keyof typeof recipes](config) : undefined
