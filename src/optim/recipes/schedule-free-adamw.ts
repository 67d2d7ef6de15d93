import { scalar, tunable, type Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { anyNumber, atLeastZero, isExcluded, type OptimizerOptions, oneOf, share, whole } from '../options.js'
import { optimizer } from '../recipe.js'
import { type StepInfo, type Transform, transform, type Update } from '../transform.js'

export interface ScheduleFreeAdamwOptions extends OptimizerOptions {
  /** Where between the iterate z and the average x gradients are taken, above 0 to below 1; default 0.9. */
  beta1?: number
  /** Decay of the second moment, 0 to below 1; default 0.999. */
  beta2?: number
  /** Default 1e-8. */
  epsilon?: number
  /** Updates over which the learning rate rises from 0; default 0. */
  warmupSteps?: number
  /** The average weighs the iterate of update t with t to this power; default 0. */
  r?: number
  /**
   * And with the largest learning rate so far to this power: default 0, as in Keras, which weighs all alike; 2 in the
   * paper and the authors' package. It matters in a warmup and with a schedule alone.
   */
  weightLrPower?: number
  /**
   * Where 1−β₂ᵗ corrects: `denominator` (Keras, the authors' package): √(v/(1−β₂ᵗ)) + ε; `learningRate` (the paper): the
   * rate is multiplied by √(1−β₂ᵗ), in the average's weights and in weight decay too. Default `denominator`.
   */
  biasCorrection?: 'denominator' | 'learningRate'
  /**
   * Add weightDecay · y to the normalized gradient, as in the paper and the authors' package; default false: y loses
   * weightDecay · lr · y before, without warmup, as in Keras.
   */
  decayInUpdate?: boolean
}

type Own = Required<ScheduleFreeAdamwOptions>
type Scalars = 'rate' | 'share' | 'ratio' | 'root' | 'epsilon' | 'beta1' | 'rest1' | 'beta2' | 'rest2' | 'decay'

/** Whether weight decay is part of the step here, and not done around it. */
const decaysInUpdate = (o: Own): boolean => o.decayInUpdate && o.weightDecayMode !== 'coupled'

/**
 * v ← β₂v + (1−β₂)g², d = g/(√(v/(1−β₂ᵗ)) + ε), z ← z − lr·d, x ← (1−c)x + c·z, y = (1−β₁)z + β₁x are the weights;
 * without x: y ← y + c(z − y) − (1 − β₁(1−c))·lr·d, z the old one.
 */
const scheduleFree = (o: Own): Transform => {
  const { beta1, beta2, epsilon, warmupSteps, r, weightLrPower: power } = o
  const inRate = o.biasCorrection === 'learningRate'
  const root = ({ step }: StepInfo): number => Math.sqrt(1 - beta2 ** step)
  const rate = (info: StepInfo): number =>
    info.learningRate * (warmupSteps > 0 ? Math.min(info.step / warmupSteps, 1) : 1) * (inRate ? root(info) : 1)
  // Equal weights need no state: c = 1/t.
  const weighted = r !== 0 || power !== 0
  const normalized = (gradient: Value, v: Value, scalars: Readonly<Record<string, Value>>): Value =>
    inRate
      ? ops.div(gradient, ops.add(ops.sqrt(v), scalars.epsilon!))
      : ops.div(ops.mul(gradient, scalars.root!), ops.add(ops.sqrt(v), scalars.epsilon!))
  const decays = (path: string): boolean =>
    decaysInUpdate(o) && !!o.weightDecay && !isExcluded(o.excludeFromWeightDecay, path)
  return transform<string, Scalars>({
    name: 'scheduleFree',
    slots: () => ({
      z: 'parameter',
      v: 0,
      ...(weighted ? { largest: { shape: [], initial: 0 }, count: { shape: [], initial: 0 } } : {}),
    }),
    scalars: {
      rate,
      share: ({ step }) => 1 / step,
      ratio: ({ step }) => ((step - 1) / step) ** r,
      root,
      epsilon: inRate ? epsilon : info => epsilon * root(info),
      beta1,
      rest1: 1 - beta1,
      beta2,
      rest2: 1 - beta2,
      decay: o.weightDecay ?? 0,
    },
    update: ({ path, parameter: y, gradient, slots, scalars, graph }) => {
      const v = ops.add(ops.mul(slots.v!, scalars.beta2), ops.mul(ops.mul(gradient, gradient), scalars.rest2))
      const plain = normalized(gradient, v, scalars)
      const direction = ops.mul(decays(path) ? ops.add(plain, ops.mul(y, scalars.decay)) : plain, scalars.rate)
      const { c, next } = weighted ? averageWeight(slots, scalars, power, graph) : { c: scalars.share, next: {} }
      const along = ops.add(ops.mul(c, scalars.beta1), scalars.rest1)
      return {
        parameter: ops.sub(ops.add(y, ops.mul(ops.sub(slots.z!, y), c)), ops.mul(direction, along)),
        slots: { z: ops.sub(slots.z!, direction), v, ...next },
      }
    },
  })
}

/**
 * c = w_t/(w₁ + … + w_t) with w_t = tʳ · (largest rate so far)^power. What is kept is the sum in units of the last weight:
 * while weights stay the same it counts updates, exactly, where a sum of small numbers would drift.
 */
function averageWeight(
  slots: Readonly<Record<string, Value>>,
  scalars: Update<string, 'rate' | 'ratio'>['scalars'],
  power: number,
  graph: Value['graph'],
): { c: Value; next: Record<string, Value> } {
  const number = (x: number): Value => scalar(graph, 'float32', x)
  const largest = ops.max([slots.largest!, scalars.rate])
  const some = ops.greater(largest, number(0))
  const divisor = ops.where(some, largest, number(1))
  const grown = power === 0 ? number(1) : ops.pow(ops.div(slots.largest!, divisor), number(power))
  const count = ops.where(some, ops.add(ops.mul(ops.mul(slots.count!, scalars.ratio), grown), number(1)), slots.count!)
  const c = ops.where(some, ops.div(number(1), ops.max([count, number(1)])), number(0))
  return { c, next: { largest, count } }
}

/**
 * Schedule-free AdamW (Defazio et al. 2024): an average in the place of a learning-rate schedule; it need not know when
 * training ends. Training moves y; what is evaluated, predicted and saved with is the average x = (y − (1−β₁)z)/β₁.
 * Default learning rate 0.0025, no weight decay. Names and defaults are Keras's, which evaluates at y.
 */
export const scheduleFreeAdamw = optimizer<ScheduleFreeAdamwOptions>({
  name: 'scheduleFreeAdamw',
  defaults: {
    learningRate: 0.0025,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    warmupSteps: 0,
    r: 0,
    weightLrPower: 0,
    biasCorrection: 'denominator',
    decayInUpdate: false,
  },
  checks: {
    beta1: x => share(x) ?? (x === 0 ? 'above 0: the average is found by dividing by it' : null),
    warmupSteps: whole(0),
    r: anyNumber,
    weightLrPower: atLeastZero,
    biasCorrection: oneOf('denominator', 'learningRate'),
  },
  links: o => [scheduleFree(o)],
  decay: o => (decaysInUpdate(o) ? 0 : o.weightDecay),
  evaluate: ({ beta1 }, { value, slot }) =>
    ops.mul(ops.sub(value, ops.mul(slot('scheduleFree/z'), tunable(value, 1 - beta1))), tunable(value, 1 / beta1)),
})
