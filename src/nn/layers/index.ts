export * from './conv.js'
export { dense } from './dense.js'
export { dropBlock } from './drop-block.js'
export { dropConnect } from './drop-connect.js'
export { dropPath } from './drop-path.js'
export {
  alphaDropout,
  dropout,
  gaussianDropout,
  spatialDropout1d,
  spatialDropout2d,
  spatialDropout3d,
} from './dropout.js'
export { groupNormalization } from './group-normalization.js'
export * from './merge.js'
export { activityRegularization, gaussianNoise } from './noise.js'
export { batchNormalization, layerNormalization } from './normalization.js'
export * from './pool.js'
export { rmsNormalization, unitNormalization } from './rms-normalization.js'
export * from './shape.js'
export { spectralNormalization } from './spectral-normalization.js'
