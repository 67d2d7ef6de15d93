import { scaleByLearningRate } from '../links/scale.js'
import type { OptimizerOptions } from '../options.js'
import { optimizer } from '../recipe.js'

export type GradientDescentOptions = OptimizerOptions

/**
 * Gradient descent: w ← w − learningRate · gradient (Cauchy 1847), for teaching. It is what `sgd` without momentum
 * computes; the name says that the gradient is meant to be that of the whole data set: `fit(x, y, { batchSize: x.length })`.
 * Default learning rate 0.01.
 */
export const gradientDescent = optimizer<GradientDescentOptions>({
  name: 'gradientDescent',
  defaults: { learningRate: 0.01 },
  links: () => [scaleByLearningRate()],
})
