import * as optimizers from '../../optim/index.js'
import { type Optimizer, optimizerFromConfig, optimizerNames, type Schedule } from '../../optim/index.js'
import type { Recipe } from './recipe.js'

type Make = (learningRate: Schedule) => Optimizer

const entry = (
  name: string,
  family: string,
  learningRate: number,
  optimizer: Make,
  more: Partial<Recipe> = {},
): Recipe => ({ name, family, learningRate, optimizer, what: 'its own defaults', ...more })

/**
 * Usual learning rates for a small network in batches of 32, shown beside every result; `tune` looks for better ones.
 * Optimizers without an entry here or below come with their own default rate.
 */
const listed: readonly Recipe[] = [
  entry('sgd', 'momentum', 0.1, learningRate => optimizers.sgd({ learningRate }), { what: 'no momentum' }),
  entry('momentum', 'momentum', 0.03, learningRate => optimizers.sgd({ learningRate, momentum: 0.9 }), {
    what: 'sgd, momentum 0.9',
  }),
  entry('nesterov', 'momentum', 0.03, learningRate => optimizers.sgd({ learningRate, momentum: 0.9, nesterov: true }), {
    what: 'sgd, Nesterov’s momentum 0.9',
  }),
  entry('rmsprop', 'adaptive', 0.001, learningRate => optimizers.rmsprop({ learningRate })),
  entry('adam', 'adam', 0.001, learningRate => optimizers.adam({ learningRate })),
  entry('amsgrad', 'adam', 0.001, learningRate => optimizers.adam({ learningRate, amsgrad: true }), {
    what: 'adam with the largest second moment seen',
  }),
  entry('adamw', 'adam', 0.001, learningRate => optimizers.adamw({ learningRate })),
  entry('lookahead', 'wrappers', 0.001, learningRate => optimizers.lookahead(optimizers.adam({ learningRate })), {
    what: 'around adam',
  }),
  entry('sam', 'wrappers', 0.001, learningRate => optimizers.sam(optimizers.adam({ learningRate })), {
    what: 'around adam, radius 0.05',
  }),
  entry('gradientDescent', 'full batch', 0.3, learningRate => optimizers.gradientDescent({ learningRate }), {
    what: 'all digits at once',
    fullBatch: true,
  }),
]

/** Families and usual rates of optimizers by name; those that are not there are left out. */
const usual: Readonly<Record<string, { family: string; learningRate: number; fullBatch?: boolean }>> = {
  adagrad: { family: 'adaptive', learningRate: 0.03 },
  adadelta: { family: 'adaptive', learningRate: 1 },
  adafactor: { family: 'adaptive', learningRate: 0.01 },
  ftrl: { family: 'adaptive', learningRate: 0.3 },
  asgd: { family: 'momentum', learningRate: 0.1 },
  adamax: { family: 'adam', learningRate: 0.002 },
  nadam: { family: 'adam', learningRate: 0.001 },
  radam: { family: 'adam', learningRate: 0.001 },
  scheduleFreeAdamw: { family: 'adam', learningRate: 0.003 },
  lion: { family: 'recent', learningRate: 0.0003 },
  lamb: { family: 'recent', learningRate: 0.01 },
  lars: { family: 'recent', learningRate: 1 },
  muon: { family: 'recent', learningRate: 0.01 },
  soap: { family: 'recent', learningRate: 0.003 },
  shampoo: { family: 'recent', learningRate: 0.01 },
  rprop: { family: 'full batch', learningRate: 0.001, fullBatch: true },
  lbfgs: { family: 'full batch', learningRate: 1, fullBatch: true },
}

/** Every optimizer there is, by its name. */
export const optimizerRecipes: readonly Recipe[] = [
  ...listed,
  ...optimizerNames
    .filter(name => !listed.some(recipe => recipe.name === name))
    .map((name): Recipe => {
      const made = optimizerFromConfig({ name })
      const known = usual[name]
      const own = typeof made.learningRate === 'number' ? made.learningRate : 0.001
      const optimizer: Make = learningRate => optimizerFromConfig({ name, config: { learningRate } })
      return entry(name, known?.family ?? 'others', known?.learningRate ?? own, optimizer, {
        ...(known?.fullBatch ? { fullBatch: true, what: 'all digits at once' } : {}),
      })
    }),
]
