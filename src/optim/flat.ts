/** Vectors of all parameters one after the other, and what line searches do with them. Sums are in double precision. */

export const dot = (a: Float32Array, b: Float32Array): number => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** The largest element without its sign. */
export const largest = (a: Float32Array): number => {
  let most = 0
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]!)) // NaN stays
  return most
}

export const sumOfSizes = (a: Float32Array): number => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]!)
  return sum
}

/** a + t · b. */
export const along = (a: Float32Array, t: number, b: Float32Array): Float32Array =>
  Float32Array.from(a, (x, i) => x + t * b[i]!)

export const times = (a: Float32Array, t: number): Float32Array => Float32Array.from(a, x => x * t)

/** Records of arrays as one vector and back, in the order of the names given. */
export function layout(names: readonly string[], sizes: readonly number[]) {
  const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((a, b) => a + b, 0))
  const total = sizes.reduce((a, b) => a + b, 0)
  return {
    total,
    join: (parts: (name: string) => Float32Array): Float32Array => {
      const flat = new Float32Array(total)
      names.forEach((name, i) => {
        flat.set(parts(name), starts[i])
      })
      return flat
    },
    part: (flat: Float32Array, i: number): Float32Array => flat.slice(starts[i], starts[i]! + sizes[i]!),
  }
}
