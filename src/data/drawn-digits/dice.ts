import { counterRandom } from '../../ir/index.js'

/** Random numbers drawn one after the other. */
export interface Dice {
  uniform(low: number, high: number): number
  /** Normally distributed with mean 0. */
  normal(deviation: number): number
  /** Sixteen random bits, four bytes of noise in two halves. */
  bits(): number
}

/** The draws that belong to one digit of a series. */
export function dice(seed: number, index: number): Dice {
  const random = counterRandom(seed, 'drawn-digit', index)
  let uniforms = 0
  let normals = 0
  return {
    uniform: (low, high) => low + (high - low) * random.uniform(uniforms++),
    normal: deviation => deviation * random.normal(normals++),
    bits: () => random.bits(uniforms++),
  }
}
