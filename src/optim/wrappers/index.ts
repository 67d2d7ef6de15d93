/** Optimizers around optimizers, one a file. Only factories `(optimizer, options)` are exported as values here. */
export { type AccumulateOptions, accumulate } from './accumulate.js'
export { type EmaOptions, ema } from './ema.js'
export { type LookaheadOptions, lookahead } from './lookahead.js'
export { type SamOptions, sam } from './sam.js'
export { type SwaOptions, swa } from './swa.js'
