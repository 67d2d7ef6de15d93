import type { Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { type StepInfo, type Transform, transform } from '../transform.js'

export interface ScaleByAdamOptions {
  beta1: number
  beta2: number
  epsilon: number
  epsilonMode?: 'hat' | 'corrected'
  amsgrad?: boolean
}

/**
 * m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g²; the step is m/(√v + ε) · √(1−β₂ᵗ)/(1−β₁ᵗ), with ε as it is (`hat`) or times
 * √(1−β₂ᵗ) (`corrected`). With amsgrad √v̂, v̂ the largest v seen, stands for √v.
 */
export const scaleByAdam = ({
  beta1,
  beta2,
  epsilon,
  epsilonMode = 'hat',
  amsgrad = false,
}: ScaleByAdamOptions): Transform => {
  const root = ({ step }: StepInfo) => Math.sqrt(1 - beta2 ** step)
  const scalars = {
    correction: (info: StepInfo) => root(info) / (1 - beta1 ** info.step),
    epsilon: (info: StepInfo) => epsilon * root(info),
  }
  const moments = (g: Value, m: Value, v: Value) => ({
    m: ops.add(ops.mul(m, beta1), ops.mul(g, 1 - beta1)),
    v: ops.add(ops.mul(v, beta2), ops.mul(ops.mul(g, g), 1 - beta2)),
  })
  return transform<string, 'correction' | 'epsilon'>({
    name: 'adam',
    slots: () => ({ m: 0, v: 0, ...(amsgrad ? { vhat: 0 } : {}) }),
    scalars,
    update: ({ gradient, slots, scalars: fed }) => {
      const { m, v } = moments(gradient, slots.m!, slots.v!)
      const vhat = slots.vhat === undefined ? undefined : ops.max([slots.vhat, v])
      const next: Record<string, Value> = { m, v }
      if (vhat !== undefined) next.vhat = vhat
      return {
        gradient: ops.div(m, ops.add(ops.sqrt(vhat ?? v), epsilonMode === 'corrected' ? fed.epsilon : epsilon)),
        scale: fed.correction,
        slots: next,
      }
    },
  })
}
