import { ConfigError } from '../../ir/index.js'
import { isOptimizer, type Optimizer, type Slot } from '../optimizer.js'

/** Refuses what is no optimizer, or one that updates on the host: wrappers change the graph of an update. @throws ConfigError */
export function checkInGraph(inner: Optimizer, where: string): void {
  if (!isOptimizer(inner))
    throw new ConfigError({
      code: 'not-an-optimizer',
      where,
      expected: 'an optimizer to wrap, such as optimizers.sgd()',
      received: inner,
    })
  if (inner.host === undefined) return
  throw new ConfigError({
    code: 'host-optimizer',
    where,
    expected: 'an optimizer that updates inside the graph',
    received: inner.name,
    hint: `${inner.name} evaluates the loss as often as it needs: give it the whole batch, and nothing around it`,
  })
}

/** Slots of a wrapper after those inside. @throws ConfigError for the same wrapper twice, whose slots would be the same */
export function addSlots(inner: readonly Slot[], own: readonly Slot[], where: string): Slot[] {
  const names = new Set(inner.map(slot => slot.name))
  const twice = own.find(slot => names.has(slot.name))
  if (twice !== undefined)
    throw new ConfigError({
      code: 'duplicate-wrapper',
      where,
      expected: 'each wrapper once',
      received: `two slots ${twice.name}`,
    })
  return [...inner, ...own]
}
