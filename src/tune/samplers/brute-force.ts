import { ConfigError } from '../../ir/index.js'
import { cardinality } from '../distribution.js'
import { explored, isExhausted } from '../explored.js'
import { drawFrom } from './random.js'
import { freshSeed, type Sampler } from './sampler.js'

/**
 * Every combination of a space that the objective itself defines, conditions included, each once; then the study stops.
 * For spaces of choices, whole numbers and stepped numbers.
 * @throws ConfigError from `suggest` for a real number without a step
 */
export const bruteForce = ({ seed = freshSeed() }: { seed?: number } = {}): Sampler => ({
  name: 'bruteForce',
  seed,
  sampleIndependent: (context, name, distribution) => {
    if (!Number.isFinite(cardinality(distribution)))
      throw new ConfigError({
        code: 'endless-range',
        where: `parameter ${name}`,
        expected: 'finitely many values',
        received: distribution,
        hint: 'give a step: suggestFloat(name, low, high, { step })',
      })
    // Where the drawn one has been taken, the trial moves on to the next that is free.
    return drawFrom(distribution, context.random(name))
  },
  afterTrial: (context, state, _values, stop) => {
    const tree = explored()
    for (const trial of context.study.trials) tree.add(trial.id === context.trial.id ? { ...trial, state } : trial)
    const others = context.study.trials.some(t => t.id !== context.trial.id && t.state === 'RUNNING')
    // Others that run may have more to ask than what they have been given.
    if (!others && isExhausted(tree.root)) stop()
  },
})
