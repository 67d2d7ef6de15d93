import { type Selector, tunable } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { scaleByAdam } from '../links/adam.js'
import { orthogonalize } from '../links/orthogonal.js'
import {
  anyNumber,
  atLeastZero,
  isExcluded,
  type OptimizerOptions,
  oneOf,
  orNull,
  selector,
  share,
  whole,
} from '../options.js'
import { optimizer } from '../recipe.js'
import { type ParameterInfo, type Transform, transform } from '../transform.js'

export interface MuonOptions extends OptimizerOptions {
  /** Of matrices, 0 … 1; default 0.95. */
  momentum?: number
  /** Nesterov's look-ahead; default true. */
  nesterov?: boolean
  /** Newton–Schulz iterations; default 5. */
  nsSteps?: number
  /** Coefficients of the iteration: a, b, c; default 3.4445, −4.775, 2.0315. */
  muonA?: number
  muonB?: number
  muonC?: number
  /** The step is scaled by rmsRate · √(larger side), so that its elements are as large as Adam's; null: not. Default 0.2. */
  rmsRate?: number | null
  /**
   * `rms` (Keras, PyTorch's `match_rms_adamw`): by rmsRate. `original` (Jordan; PyTorch's default): the step is scaled by
   * √max(1, outputs/inputs) instead. Default `rms`.
   */
  rateAdjustment?: 'rms' | 'original'
  /** Kernels of convolutions are matrices [units, rest] too; default false: Adam, as in Keras. */
  convolutions?: boolean
  /** Layers and parameters that Adam updates: the last layer, by the paper. A pattern that matches none is an error. */
  excludeLayers?: Selector | null
  /** Adam updates what has `embedding` in its path; default true. */
  excludeEmbeddings?: boolean
  /** Adam's learning rate is the optimizer's times this; default 1. */
  adamLrRatio?: number
  /** Adam's decays of moments; default 0.9 and 0.999. */
  adamBeta1?: number
  adamBeta2?: number
  /** Of Adam, before the bias correction; default 1e-7. */
  epsilon?: number
  /** Decoupled weight decay of what Adam updates; default 0.004. `weightDecay` is that of matrices. */
  adamWeightDecay?: number | null
}

type Options = Required<MuonOptions>

function isMatrix(o: Options, { path, shape }: ParameterInfo): boolean {
  const rank = o.convolutions ? shape.length >= 2 : shape.length === 2
  if (!rank || (o.excludeEmbeddings && path.toLowerCase().includes('embedding'))) return false
  return !isExcluded(o.excludeLayers, path)
}

/** Inputs and outputs of a kernel: dense ones are [inputs, outputs], convolutions [outputs, inputs, …]. */
function sides(shape: readonly number[]): { inputs: number; outputs: number } {
  if (shape.length === 2) return { inputs: shape[0]!, outputs: shape[1]! }
  return { inputs: shape.slice(1).reduce((a, b) => a * b, 1), outputs: shape[0]! }
}

function adjustment(o: Options, shape: readonly number[]): number {
  const { inputs, outputs } = sides(shape)
  if (o.rateAdjustment === 'original') return Math.sqrt(Math.max(1, outputs / inputs))
  return o.rmsRate === null ? 1 : Math.sqrt(Math.max(inputs, outputs)) * o.rmsRate
}

/** Matrices: m ← μm + g; the step is m (or g + μm) made orthogonal. What is no matrix goes through Adam. */
function scaleByMuon(o: Options): Transform {
  const adam = scaleByAdam({ beta1: o.adamBeta1, beta2: o.adamBeta2, epsilon: o.epsilon })
  const infoOf = (path: string, shape: readonly (number | string)[]) => ({ path, shape: shape as readonly number[] })
  return transform<string, string>({
    name: 'muon',
    slots: (info): Readonly<Record<string, number>> => (isMatrix(o, info) ? { momentum: 0 } : { m: 0, v: 0 }),
    scalars: {
      ...adam.scalars,
      momentum: o.momentum,
      adamLrRatio: o.adamLrRatio,
    },
    update: update => {
      const { path, parameter, gradient, slots, scalars } = update
      const info = infoOf(path, parameter.shape) // weights are static
      const rate = scalars.learningRate!
      if (!isMatrix(o, info)) {
        const { gradient: step, scale, slots: next } = adam.update(update)
        return { gradient: step!, scale: ops.mul(scale!, ops.mul(rate, scalars.adamLrRatio!)), slots: next }
      }
      const momentum = ops.add(gradient, ops.mul(slots.momentum!, scalars.momentum!))
      const direction = o.nesterov ? ops.add(gradient, ops.mul(momentum, scalars.momentum!)) : momentum
      const { shape } = info
      const flat = shape.length === 2 ? direction : ops.reshape(direction, [shape[0]!, -1])
      const matrix = orthogonalize(flat, { steps: o.nsSteps, coefficients: [o.muonA, o.muonB, o.muonC] })
      return {
        gradient: shape.length === 2 ? matrix : ops.reshape(matrix, shape),
        scale: ops.mul(rate, tunable(rate, adjustment(o, shape))),
        slots: { momentum },
      }
    },
  })
}

/**
 * Muon (Jordan et al. 2024; Liu et al. 2025): momentum whose matrices are made orthogonal before the step, so that every
 * direction of a matrix learns alike; biases, embeddings and `excludeLayers` go with AdamW. Default learning rate 0.001,
 * weight decay 0.004. PyTorch's takes matrices alone, computes in bfloat16, and has weightDecay 0.1 and
 * `rateAdjustment: 'original'`; its momentum is (1 − μ) times this one, which the normalization takes out.
 */
export const muon = optimizer<MuonOptions>({
  name: 'muon',
  defaults: {
    learningRate: 0.001,
    weightDecay: 0.004,
    momentum: 0.95,
    nesterov: true,
    nsSteps: 5,
    muonA: 3.4445,
    muonB: -4.775,
    muonC: 2.0315,
    rmsRate: 0.2,
    rateAdjustment: 'rms',
    convolutions: false,
    excludeLayers: null,
    excludeEmbeddings: true,
    adamLrRatio: 1,
    adamBeta1: 0.9,
    adamBeta2: 0.999,
    epsilon: 1e-7,
    adamWeightDecay: 0.004,
  },
  checks: {
    nsSteps: whole(1),
    muonA: anyNumber,
    muonB: anyNumber,
    muonC: anyNumber,
    rateAdjustment: oneOf('rms', 'original'),
    excludeLayers: selector,
    rmsRate: orNull(atLeastZero),
    adamWeightDecay: orNull(atLeastZero),
    adamBeta1: share,
    adamBeta2: share,
  },
  selectors: ['excludeLayers'],
  decay: (o, parameter) => (isMatrix(o, parameter) ? o.weightDecay : o.adamWeightDecay),
  links: o => [scaleByMuon(o)],
})
