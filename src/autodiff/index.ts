export { type GradientOptions, gradients, stopGradient } from './gradients.js'
export {
  type ClippedSumOptions,
  type ClippedSums,
  clippedGradientSums,
  type NormGroups,
  perExampleGradientNorms,
} from './per-example.js'
