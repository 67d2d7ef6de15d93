import type { OptimizerConfig } from './from-config.js'
import type { Optimizer } from './optimizer.js'

/**
 * An optimizer as JSON, for `optimizerFromConfig`: schedules by their own configs. A learning rate that is a function of
 * the user's own becomes the number given.
 * @returns null where an option of another kind is a function, which no file can hold
 */
export function optimizerToConfig(o: Pick<Optimizer, 'name' | 'config'>, learningRate: number): OptimizerConfig | null {
  let lost = false
  const plain = (value: unknown, key: string): unknown => {
    if (typeof value === 'function') {
      if ('config' in value) return value.config
      if (key === 'learningRate') return learningRate
      lost = true
      return null
    }
    if (Array.isArray(value)) return value.map(item => plain(item, key))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner, name)]))
  }
  const config = plain(o.config, 'config') as Record<string, unknown>
  return lost ? null : { name: o.name, config }
}
