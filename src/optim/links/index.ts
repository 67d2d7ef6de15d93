/** What optimizers are chained of, for optimizers of your own. */
export { scaleByAdam } from './adam.js'
export { centralize } from './centralize.js'
export { adaptiveClip, clipByGlobalNorm, clipByNorm, clipByValue } from './clip.js'
export { addDecayedWeights } from './decay.js'
export { type GradientNoiseOptions, gradientNoise } from './noise.js'
export { scaleByLearningRate } from './scale.js'
