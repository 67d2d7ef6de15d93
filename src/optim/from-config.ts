import { ConfigError, nearest } from '../ir/index.js'
import type { Optimizer } from './optimizer.js'
import * as recipes from './recipes/index.js'
import * as wrappers from './wrappers/index.js'

// Options are checked by the factories, whatever their types say.
const alone: Readonly<Record<string, (options: never) => Optimizer>> = { ...recipes }
const around: Readonly<Record<string, (inner: Optimizer, options: never) => Optimizer>> = { ...wrappers }

/** Names of optimizers that stand alone, for messages and choices. */
export const optimizerNames: readonly string[] = Object.keys(alone)

/** An optimizer as data: its name and options; a wrapper's options hold the `optimizer` inside. */
export interface OptimizerConfig {
  readonly name: string
  readonly config?: Readonly<Record<string, unknown>>
}

/**
 * Makes an optimizer again from what it says of itself (`{ name, config }`), as saved models and experiment files do.
 * @throws ConfigError for a name that is none of ours, or options out of range
 */
export function optimizerFromConfig({ name, config = {} }: OptimizerConfig): Optimizer {
  if (Object.hasOwn(alone, name)) return alone[name]!(config as never)
  if (Object.hasOwn(around, name)) {
    const { optimizer, ...options } = config as { optimizer?: OptimizerConfig }
    if (optimizer === undefined || optimizer === null || typeof optimizer.name !== 'string')
      throw new ConfigError({
        code: 'bad-option',
        where: `optimizers.${name}.optimizer`,
        expected: 'the optimizer inside: { name, config }',
        received: optimizer,
      })
    return around[name]!(optimizerFromConfig(optimizer), options as never)
  }
  const known = [...optimizerNames, ...Object.keys(around)]
  throw new ConfigError({
    code: 'unknown-optimizer',
    where: 'optimizer',
    expected: `one of ${known.join(', ')}`,
    received: name,
    hint: `did you mean ${nearest(String(name), known, 1)[0]}?`,
  })
}
