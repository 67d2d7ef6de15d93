import type { AttrValue, DType } from '../ir/index.js'

/** How the checker draws one input of a sample. Floats are drawn in the runtime's widest precision for the operator. */
export type InputSample =
  /** Normally distributed, at least `margin` away from each of `kinks` (where the operator bends or jumps). */
  | {
      readonly kind: 'normal'
      readonly shape: readonly number[]
      readonly scale: number
      readonly kinks: readonly number[]
    }
  | {
      readonly kind: 'uniform'
      readonly shape: readonly number[]
      readonly low: number
      readonly high: number
      readonly kinks: readonly number[]
    }
  /** All elements different, at least `gap` apart, shuffled: for maxima, sorting and ties. */
  | { readonly kind: 'distinct'; readonly shape: readonly number[]; readonly gap: number }
  | {
      readonly kind: 'values'
      readonly shape: readonly number[]
      readonly dtype: DType | 'float'
      readonly data: readonly number[]
    }

/** One set of inputs and attributes on which the checker tries an operator. */
export interface Sample {
  /** By input name; an array for a variadic input. Left-out inputs must be optional. */
  readonly inputs: Readonly<Record<string, InputSample | readonly InputSample[]>>
  readonly attrs?: Readonly<Record<string, AttrValue>>
  /** Inputs that are constants of the graph rather than fed: for rules that look at constants. */
  readonly constants?: readonly string[]
  /** Why the checker must not compare gradients here: e.g. the output is an integer. */
  readonly forwardOnly?: string
  /** The outputs that take part; all through which gradients flow when left out. */
  readonly outputs?: readonly string[]
  /** Why the checker does not try double precision: e.g. an output is single whatever the input. */
  readonly singlePrecision?: string
  /** Why the checker leaves the second derivative out. */
  readonly firstOrderOnly?: string
  /** Relative tolerance where the default (1e-6 in double, 2e-2 in single precision) does not hold, with a reason. */
  readonly tolerance?: { readonly value: number; readonly why: string }
}

export const normal = (shape: readonly number[], { scale = 1, kinks = [] as readonly number[] } = {}): InputSample => ({
  kind: 'normal',
  shape,
  scale,
  kinks,
})
export const uniform = (
  shape: readonly number[],
  low: number,
  high: number,
  { kinks = [] as readonly number[] } = {},
): InputSample => ({ kind: 'uniform', shape, low, high, kinks })
export const distinct = (shape: readonly number[], gap = 0.2): InputSample => ({ kind: 'distinct', shape, gap })
/** Given numbers; dtype 'float' means the precision of the check. */
export const values = (
  data: readonly number[],
  shape: readonly number[] = [data.length],
  dtype: DType | 'float' = 'int64',
): InputSample => ({
  kind: 'values',
  shape,
  dtype,
  data,
})
