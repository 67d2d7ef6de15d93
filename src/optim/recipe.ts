import { ConfigError, checkSelector, matches, type Selector, select, type Value } from '../ir/index.js'
import { type Chain, chainSlots, checkChain, traceChain } from './chain.js'
import { centralize } from './links/centralize.js'
import { adaptiveClip, clipTransforms } from './links/clip.js'
import { addDecayedWeights } from './links/decay.js'
import { gradientNoise } from './links/noise.js'
import type { EvaluationContext, Optimizer, UpdateContext } from './optimizer.js'
import {
  asSchedule,
  atLeastZero,
  type Check,
  isExcluded,
  type OptimizerOptions,
  type ParameterGroup,
  resolveOptions,
  sharedDefaults,
} from './options.js'
import { rateAt, type Schedule } from './schedules/schedule.js'
import type { HostScalar, Parameter, ParameterInfo, Transform } from './transform.js'
import { accumulate } from './wrappers/accumulate.js'
import { ema } from './wrappers/ema.js'

/** What makes an optimizer out of its options. */
export interface Recipe<O extends OptimizerOptions> {
  readonly name: string
  /** Its own options with their defaults; those every optimizer has may be given other defaults here. */
  readonly defaults: Required<Pick<O, Exclude<keyof O, keyof Omit<OptimizerOptions, 'learningRate'>>>> & Partial<O>
  /** What an option must be, where its name and default do not tell. */
  readonly checks?: Readonly<Partial<Record<keyof O, Check>>>
  readonly links: (options: Required<O>) => readonly Transform[]
  /** Weight decay of a parameter, where it is not the option's for all. */
  readonly decay?: (options: Required<O>, parameter: ParameterInfo) => number | null
  /** Options of its own that may be schedules, as the learning rate may. */
  readonly scheduled?: readonly (keyof O & string)[]
  /** Options of its own that choose parameters by path; one that matches none is an error. */
  readonly selectors?: readonly (keyof O)[]
  /**
   * Which graph the update after `updates` others takes, where not all are alike: links see the name given here as
   * `phase`, and one graph is compiled for each. Default: always `update`.
   */
  readonly phase?: (options: Required<O>) => (updates: number) => string
  /** The weights to evaluate, predict and save with, where those are not the ones that are trained. */
  readonly evaluate?: (options: Required<O>, parameter: Evaluated) => Value
}

/** A parameter to be evaluated: its value and, by `link/slot`, its slots. */
export interface Evaluated {
  readonly path: string
  readonly value: Value
  slot(name: string): Value
}

type Shared = Required<OptimizerOptions>

/**
 * An optimizer from its own links; every optimizer of the project is made here. Around the links stand what all have in
 * common, in this order: clipping, noise, coupled decay, centralization, the links, and decoupled decay before them.
 * `optimizer({ name: 'mine', defaults: { learningRate: 0.01 }, links: () => [scaleByLearningRate()] })` gives a factory.
 * @throws ConfigError from the factory, for options that are unknown or out of range: all of them at once
 */
export function optimizer<O extends OptimizerOptions>(recipe: Recipe<O>): (options?: O) => Optimizer {
  const { name } = recipe
  const where = `optimizers.${name}`
  // True: own defaults hold every key that the shared ones do not.
  const defaults = { ...sharedDefaults, ...recipe.defaults } as unknown as Required<O> & Shared
  const checks = (recipe.checks ?? {}) as Readonly<Record<string, Check>>
  const chainOf = (config: Required<O> & Shared, suffix: string, rate: HostScalar | null): Chain => {
    const decay = (parameter: ParameterInfo) =>
      isExcluded(config.excludeFromWeightDecay, parameter.path)
        ? 0
        : ((recipe.decay === undefined ? config.weightDecay : recipe.decay(config, parameter)) ?? 0)
    const coupled = config.weightDecayMode === 'coupled'
    const chain: Chain = {
      suffix,
      links: [
        ...(coupled ? [addDecayedWeights(decay)] : []),
        ...(config.gradientCentralization ? [centralize()] : []),
        ...recipe.links(config),
      ],
      decay: coupled ? () => 0 : decay,
      rate,
      phase: recipe.phase?.(config) ?? (() => 'update'),
      ...(recipe.evaluate === undefined ? {} : { evaluate: parameter => recipe.evaluate!(config, parameter) }),
    }
    checkChain(chain, where)
    return chain
  }
  return (options = {} as O) => {
    const config = resolveOptions(where, options, defaults, checks, recipe.scheduled)
    const groups = (config.groups ?? []).map((group, i) => groupOf(group, `${where}.groups[${i}]`))
    const chains = [
      chainOf(config, '', null),
      ...groups.map((group, i) => {
        const own = resolveOptions(
          `${where}.groups[${i}]`,
          { ...config, ...group.options },
          defaults,
          checks,
          recipe.scheduled,
        )
        return group.freeze ? null : chainOf(own, `@${i + 1}`, groupRate(group, config.learningRate as Schedule))
      }),
    ]
    const live = chains.filter(chain => chain !== null)
    const partition = <P extends ParameterInfo | Parameter>(parameters: readonly P[]) => {
      const paths = parameters.map(p => p.path)
      for (const [i, group] of groups.entries()) select(group.match, paths, `${where}.groups[${i}].match`)
      for (const key of ['excludeFromWeightDecay', ...(recipe.selectors ?? [])] as const) {
        const selector = config[key] as Selector | null // its check passed
        if (selector !== null) select(selector, paths, `${where}.${String(key)}`)
      }
      const parts = chains.map(chain => ({ chain, parameters: [] as P[] }))
      for (const p of parameters) parts[groups.findIndex(group => matches(group.match, p.path)) + 1]!.parameters.push(p)
      return parts.filter((part): part is { chain: Chain; parameters: P[] } => part.chain !== null)
    }
    const front = [
      ...clipTransforms(config, where),
      ...adaptiveClip(config.adaptiveClip),
      ...gradientNoise(config.gradientNoise),
    ]
    const base: Optimizer = {
      name,
      learningRate: config.learningRate as Schedule,
      config: config as Readonly<Record<string, unknown>>,
      slots: parameters => partition(parameters).flatMap(part => chainSlots(part.chain, part.parameters)),
      // The phases of all chains at once; most recipes have one phase alone.
      phase: updates => (recipe.phase === undefined ? 'update' : live.map(c => c.phase(updates)).join('+')),
      trace: context => {
        const parts = partition(context.parameters)
        const phases = context.phase.split('+')
        const trained = new Set(parts.flatMap(part => part.parameters.map(p => p.path)))
        const prepared = new Map(
          applyFront(
            front,
            context,
            context.parameters.filter(p => trained.has(p.path)),
          ).map(p => [p.path, p]),
        )
        const traces = parts.map(part =>
          traceChain(
            part.chain,
            { ...context, phase: phases[live.indexOf(part.chain)] ?? context.phase },
            part.parameters.map(p => prepared.get(p.path)!),
          ),
        )
        return {
          parameters: new Map(traces.flatMap(trace => [...trace.parameters])),
          slots: new Map(traces.flatMap(trace => [...trace.slots])),
        }
      },
      ...(recipe.evaluate === undefined
        ? {}
        : {
            evaluate: ({ parameters, slot }: EvaluationContext) => {
              const values = new Map(parameters.map(p => [p.path, p.value]))
              // Weights are static.
              const infos = parameters.map(p => ({ path: p.path, shape: p.value.shape as readonly number[] }))
              return new Map(
                partition(infos).flatMap(part =>
                  part.parameters.map(({ path }) => {
                    const own = (name: string) => slot(`${name}/${path}`)
                    return [path, part.chain.evaluate!({ path, value: values.get(path)!, slot: own })] as const
                  }),
                ),
              )
            },
          }),
    }
    let whole = base
    if (config.gradientAccumulationSteps !== null && config.gradientAccumulationSteps > 1)
      whole = accumulate(whole, { steps: config.gradientAccumulationSteps })
    if (config.useEma)
      whole = ema(whole, {
        momentum: config.emaMomentum,
        overwriteFrequency: config.emaOverwriteFrequency,
        evaluate: false,
        finalize: true,
      })
    return { ...whole, name, config: base.config }
  }
}

/** Links that look at the gradients alone, before they are parted into groups. */
function applyFront(
  front: readonly Transform[],
  context: UpdateContext,
  parameters: readonly Parameter[],
): Parameter[] {
  let now = [...parameters]
  for (const link of front) {
    const scalars = Object.fromEntries(
      Object.entries(link.scalars).map(([name, at]) => [name, context.scalar(`optimizer/${link.name}/${name}`, at)]),
    )
    const gradients =
      link.prepare?.(
        now.map(p => p.gradient),
        now,
      ) ?? now.map(p => p.gradient)
    now = now.map((p, i) => {
      const updated = link.update({
        path: p.path,
        parameter: p.value,
        gradient: gradients[i]!,
        slots: {},
        scalars: { ...scalars, learningRate: context.learningRate },
        graph: context.graph,
        phase: context.phase,
        key: () => context.key(`${link.name}/${p.path}`),
      })
      return { ...p, gradient: updated.gradient ?? gradients[i]! }
    })
  }
  return now
}

interface Group {
  readonly match: Selector
  readonly freeze: boolean
  readonly multiplier: number
  readonly rate: Schedule | null
  readonly options: Readonly<Record<string, unknown>>
}

function groupOf(given: ParameterGroup, where: string): Group {
  if (typeof given !== 'object' || given === null)
    throw new ConfigError({ code: 'bad-option', where, expected: '{ match, … }', received: given })
  const { match, freeze = false, learningRateMultiplier = 1, learningRate = null, ...options } = given
  checkSelector(match, `${where}.match`)
  const problem = atLeastZero(learningRateMultiplier)
  if (problem !== null)
    throw new ConfigError({
      code: 'bad-option',
      where: `${where}.learningRateMultiplier`,
      expected: problem,
      received: learningRateMultiplier,
    })
  for (const key of [
    'groups',
    'useEma',
    'gradientAccumulationSteps',
    'clipnorm',
    'globalClipnorm',
    'clipvalue',
    'adaptiveClip',
    'gradientNoise',
  ])
    if (key in options)
      throw new ConfigError({
        code: 'not-per-group',
        where: `${where}.${key}`,
        expected: 'an option of the links: a learning rate, weight decay, betas, …',
        received: key,
        hint: 'say it once for the whole optimizer',
      })
  return {
    match,
    freeze,
    multiplier: learningRateMultiplier,
    rate: learningRate === null ? null : asSchedule(learningRate),
    options,
  }
}

/** A group's learning rate; it follows what callbacks do to the optimizer's. */
function groupRate(group: Group, base: Schedule): HostScalar | null {
  const { rate, multiplier } = group
  if (rate === null) return multiplier === 1 ? null : info => multiplier * info.learningRate
  return info => {
    const scheduled = rateAt(base, info.batches)
    return multiplier * rateAt(rate, info.batches) * (scheduled > 0 ? info.learningRate / scheduled : 1)
  }
}
