/** Optimizers, one a file. Only factories are exported as values here: their names are the names `compile` knows. */
export { type AdamOptions, adam } from './adam.js'
export { type AdamwOptions, adamw } from './adamw.js'
export { type GradientDescentOptions, gradientDescent } from './gradient-descent.js'
export { type RmspropOptions, rmsprop } from './rmsprop.js'
export { type SgdOptions, sgd } from './sgd.js'
