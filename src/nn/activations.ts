import { z } from 'zod'
import type { Value } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { type Family, resolveSpec, type Spec, specSchema } from './plugin.js'

type Apply = (parameters: Record<string, unknown>, x: Value) => Value
const plain = (f: (x: Value) => Value): { parameters: z.ZodObject; apply: Apply } => ({
  parameters: z.strictObject({}),
  apply: (_, x) => f(x),
})

/** Activations by Keras's names. A row here is all a new one needs. */
export const activationTable: Family<Apply> = {
  linear: plain(x => x),
  relu: plain(x => ops.relu(x)),
  relu6: plain(x => ops.clip(x, 0, 6)),
  leakyRelu: {
    parameters: z.strictObject({ negativeSlope: z.number().default(0.2) }),
    apply: ({ negativeSlope }, x) => ops.leakyRelu(x, { alpha: negativeSlope as number }),
  },
  elu: {
    parameters: z.strictObject({ alpha: z.number().default(1) }),
    apply: ({ alpha }, x) => ops.elu(x, { alpha: alpha as number }),
  },
  selu: plain(x => ops.selu(x)),
  celu: {
    parameters: z.strictObject({ alpha: z.number().default(1) }),
    apply: ({ alpha }, x) => ops.celu(x, { alpha: alpha as number }),
  },
  gelu: {
    parameters: z.strictObject({ approximate: z.boolean().default(false) }),
    apply: ({ approximate }, x) => ops.gelu(x, { approximate: approximate ? 'tanh' : 'none' }),
  },
  sigmoid: plain(x => ops.sigmoid(x)),
  hardSigmoid: plain(x => ops.hardSigmoid(x, { alpha: 1 / 6, beta: 0.5 })),
  tanh: plain(x => ops.tanh(x)),
  hardTanh: plain(x => ops.clip(x, -1, 1)),
  softmax: {
    parameters: z.strictObject({ axis: z.int().default(-1) }),
    apply: ({ axis }, x) => ops.softmax(x, { axis: axis as number }),
  },
  logSoftmax: {
    parameters: z.strictObject({ axis: z.int().default(-1) }),
    apply: ({ axis }, x) => ops.logSoftmax(x, { axis: axis as number }),
  },
  softplus: plain(x => ops.softplus(x)),
  softsign: plain(x => ops.softsign(x)),
  silu: plain(x => ops.mul(x, ops.sigmoid(x))),
  swish: plain(x => ops.mul(x, ops.sigmoid(x))),
  hardSilu: plain(x => ops.hardSwish(x)),
  hardSwish: plain(x => ops.hardSwish(x)),
  mish: plain(x => ops.mish(x)),
  exponential: plain(x => ops.exp(x)),
}

export type ActivationName = keyof typeof activationTable & string
export type Activation = ActivationName | Spec | ((x: Value) => Value)
export const activationSchema = specSchema<Apply, Activation>('activation', activationTable)
/** The function of an activation; null is linear. */
export const activate = (spec: Spec | unknown | null, x: Value): Value =>
  spec === null || spec === undefined
    ? x
    : resolveSpec('activation', activationTable, spec as Spec | ((x: Value) => Value))(x)
