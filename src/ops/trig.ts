import type { Value } from '../ir/index.js'
import { add, div, mul, neg, sqrt, square, sub, unary } from './math.js'
import { normal, type Sample, uniform } from './sample.js'

/** Trigonometric and hyperbolic functions and their inverses (tanh is among the activations). */

const within = (low: number, high: number): { samples: Sample[] } => ({
  samples: [{ inputs: { X: uniform([2, 3], low, high) } }, { inputs: { X: uniform([], low, high) } }],
})
const wide: { samples: Sample[] } = {
  samples: [{ inputs: { X: normal([2, 3]) } }, { inputs: { X: normal([5], { scale: 2 }) } }],
}
/** 1 − x², as a product that keeps its digits where x is near ±1. */
const complement = (x: Value): Value => mul(sub(1, x), add(x, 1))

export const sin = unary('Sin', (g, x): Value => mul(g, cos(x)), wide)
export const cos = unary('Cos', (g, x): Value => neg(mul(g, sin(x))), wide)
export const tan = unary('Tan', (g, _x, y): Value => mul(g, add(square(y), 1)), within(-1, 1))
export const asin = unary('Asin', (g, x): Value => div(g, sqrt(complement(x))), within(-0.8, 0.8))
export const acos = unary('Acos', (g, x): Value => neg(div(g, sqrt(complement(x)))), within(-0.8, 0.8))
export const atan = unary('Atan', (g, x): Value => div(g, add(square(x), 1)), wide)
export const sinh = unary('Sinh', (g, x): Value => mul(g, cosh(x)), wide)
export const cosh = unary('Cosh', (g, x): Value => mul(g, sinh(x)), wide)
export const asinh = unary('Asinh', (g, x): Value => div(g, sqrt(add(square(x), 1))), wide)
export const acosh = unary('Acosh', (g, x): Value => div(g, sqrt(mul(sub(x, 1), add(x, 1)))), within(1.3, 3))
export const atanh = unary('Atanh', (g, x): Value => div(g, complement(x)), within(-0.8, 0.8))
