import type { Value } from '../ir/index.js'
import { add, div, mul, neg, sqrt, sub, unary } from './math.js'
import { type Sample, uniform } from './sample.js'

/** Trigonometric and hyperbolic functions and their inverses (tanh is among the activations). */

const within = (low: number, high: number): Sample[] => [{ inputs: { X: uniform([2, 3], low, high) } }]
const one = (x: Value) =>
  x.graph.constant({ dtype: x.dtype, shape: [], data: x.dtype === 'float64' ? Float64Array.of(1) : Float32Array.of(1) })
const square = (x: Value): Value => mul(x, x)

export const sin = unary('Sin', (g, x): Value => mul(g, cos(x)))
export const cos = unary('Cos', (g, x): Value => neg(mul(g, sin(x))))
export const tan = unary('Tan', (g, _x, y): Value => mul(g, add(square(y), 1)), within(-1, 1))
export const asin = unary('Asin', (g, x): Value => div(g, sqrt(sub(one(x), square(x)))), within(-0.8, 0.8))
export const acos = unary('Acos', (g, x): Value => neg(div(g, sqrt(sub(one(x), square(x))))), within(-0.8, 0.8))
export const atan = unary('Atan', (g, x): Value => div(g, add(square(x), 1)))
export const sinh = unary('Sinh', (g, x): Value => mul(g, cosh(x)))
export const cosh = unary('Cosh', (g, x): Value => mul(g, sinh(x)))
export const asinh = unary('Asinh', (g, x): Value => div(g, sqrt(add(square(x), 1))))
export const acosh = unary('Acosh', (g, x): Value => div(g, sqrt(sub(square(x), 1))), within(1.3, 3))
export const atanh = unary('Atanh', (g, x): Value => div(g, sub(one(x), square(x))), within(-0.8, 0.8))
