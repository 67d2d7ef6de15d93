import type { Pruner } from './pruner.js'

/** Never prunes. */
export const nop = (): Pruner => ({ name: 'nop', prune: () => false })
