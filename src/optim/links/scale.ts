import { transform } from '../transform.js'

/** The last link of most recipes: the step is the gradient times the learning rate. */
export const scaleByLearningRate = () =>
  transform({
    name: 'learningRate',
    update: ({ gradient, scalars }) => ({ gradient, scale: scalars.learningRate, slots: {} }),
  })
