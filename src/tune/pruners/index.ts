/** Pruners, one a file. */
export { nop } from './nop.js'
export type { Pruner, PrunerContext } from './pruner.js'
