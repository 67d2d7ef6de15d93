import { z } from 'zod'
import { ConfigError, counterRandom } from '../../ir/index.js'
import { parseOptions } from '../../ir/options.js'
import type { ElementContext } from '../source.js'
import type { AugmentOptions } from './element.js'
import { seed } from './options.js'

export interface OneOfOptions extends AugmentOptions {
  /** How often each map is taken, in any unit. Default all alike. */
  weights?: readonly number[] | undefined
}

const schema = z.strictObject({ seed, weights: z.array(z.number().min(0).finite()).optional() })

/**
 * Applies one of several maps to each element (a whole batch, after `batch`), by chance:
 * `data.map(oneOf([cutout({ size: 8 }), randomErasing(), x => x], { weights: [1, 1, 2] }))`.
 *
 * @throws ConfigError for no maps, or for weights that are not one per map or all 0.
 */
export function oneOf<T, U>(
  maps: readonly ((element: T, context: ElementContext) => U | Promise<U>)[],
  options: OneOfOptions = {},
): (element: T, context: ElementContext) => U | Promise<U> {
  const { seed, weights = maps.map(() => 1) } = parseOptions(schema, options, 'oneOf')
  const total = weights.reduce((a, b) => a + b, 0)
  if (maps.length === 0 || maps.some(map => typeof map !== 'function'))
    throw new ConfigError({ code: 'bad-option', where: 'oneOf.maps', expected: 'one function or more', received: maps })
  if (weights.length !== maps.length || total <= 0)
    throw new ConfigError({
      code: 'bad-option',
      where: 'oneOf.weights',
      expected: `${maps.length} numbers, one per map, not all 0`,
      received: weights,
    })
  return (element, context) => {
    let left = counterRandom(seed, 'oneOf', context.epoch, context.index).uniform(0) * total
    const chosen = maps.find((_, i) => (left -= weights[i]!) < 0)
    // Rounding may leave a crumb: it belongs to the last map that can be taken.
    return (chosen ?? maps[weights.findLastIndex(weight => weight > 0)]!)(element, context)
  }
}
