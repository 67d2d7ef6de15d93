/** Samplers, one a file. */
export { type GpOptions, gp } from './gp/index.js'
export { random } from './random.js'
export type { Sampler, SamplerContext, SearchSpace, StudyView } from './sampler.js'
export { type TpeOptions, tpe } from './tpe/index.js'
