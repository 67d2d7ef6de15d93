export { type GradientOptions, gradients, stopGradient } from './gradients.js'
