import { ConfigError } from '../../ir/index.js'
import type { Optimizer } from '../optimizer.js'

/** Refuses an optimizer that updates on the host: wrappers change the graph of an update. @throws ConfigError */
export function checkInGraph(inner: Optimizer, where: string): void {
  if (inner.host === undefined) return
  throw new ConfigError({
    code: 'host-optimizer',
    where,
    expected: 'an optimizer that updates inside the graph',
    received: inner.name,
    hint: `${inner.name} evaluates the loss as often as it needs: give it the whole batch, and nothing around it`,
  })
}
