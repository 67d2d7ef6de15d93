import { ConfigError } from '../ir/index.js'
import { refuse, unknownOptions } from '../ir/options.js'
import { type Loss, type ResolvedLoss, resolveLoss } from '../nn/losses.js'
import { type Metric, type ResolvedMetric, resolveMetric } from '../nn/metrics.js'
import type { Network } from '../nn/network.js'
import { parseOptions } from '../nn/plugin.js'
import { type Regularizer, regularizerSchema } from '../nn/regularizers.js'
import { type OptimizerConfig, optimizerFromConfig, optimizerNames } from '../optim/from-config.js'
import { isOptimizer, type Optimizer } from '../optim/optimizer.js'
import type * as recipes from '../optim/recipes/index.js'
import type { DeviceOptions } from '../runtime/index.js'
import { checkRDrop } from './r-drop.js'

type PerOutput<T> = T | Readonly<Record<string, T>>

/** One metric, a list of them, or either for each output by name. */
type Metrics = Metric | readonly Metric[] | Readonly<Record<string, Metric | readonly Metric[]>>

/** How a model is trained; Keras's `compile`. */
export interface CompileOptions extends DeviceOptions {
  /** An optimizer or the name of one, with its defaults. Default rmsprop, as in Keras. */
  optimizer?: Optimizer | OptimizerConfig | keyof typeof recipes
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
  /**
   * R-Drop (Liang et al. 2021): each batch goes through the network twice, under different dropout masks; this times the
   * symmetric divergence of the two predictions is added to the mean of both losses. Default 0: off; 1 to 5 is usual.
   * For crossentropies only.
   */
  rDrop?: number
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
  readonly rDrop: number
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
    'rDrop',
    'device',
    'threads',
  ]
  refuse(unknownOptions(options, known, 'compile'), 'compile')
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
  const rDrop = options.rDrop ?? 0
  if (typeof rDrop !== 'number' || !Number.isFinite(rDrop) || rDrop < 0)
    throw new ConfigError({
      code: 'bad-option',
      where: 'compile.rDrop',
      expected: 'a finite number ≥ 0',
      received: rDrop,
    })
  if (rDrop > 0) checkRDrop(outputs.map(output => output.loss))
  return {
    optimizer: resolveOptimizer(options.optimizer ?? 'rmsprop'),
    outputs,
    rDrop,
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

/** An optimizer from its name, from `{ name, config }`, or as it is. */
export function resolveOptimizer(given: Optimizer | OptimizerConfig | string): Optimizer {
  if (isOptimizer(given)) return given
  if (typeof given === 'string') return optimizerFromConfig({ name: given })
  if (typeof given === 'object' && given !== null && typeof given.name === 'string') return optimizerFromConfig(given)
  throw new ConfigError({
    code: 'unknown-optimizer',
    where: 'compile.optimizer',
    expected: `an optimizer, or one of ${optimizerNames.join(', ')}`,
    received: given,
  })
}
