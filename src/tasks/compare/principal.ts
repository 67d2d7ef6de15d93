/**
 * The two leading principal directions of vectors that are too long for a covariance matrix, as coefficients: direction
 * k is Σ coefficients[k][i] · vector[i], of length 1. From the matrix of inner products, by power iteration with
 * deflation (uncentred: the vectors are ways from one origin).
 */
export function leadingDirections<V>(vectors: readonly V[], dot: (a: V, b: V) => number): [number[], number[]] {
  const n = vectors.length
  const gram = vectors.map(() => new Array<number>(n).fill(0))
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) gram[i]![j] = gram[j]![i] = dot(vectors[i]!, vectors[j]!)
  const first = leading(gram)
  const rest = gram.map((row, i) => row.map((v, j) => v - first.value * first.vector[i]! * first.vector[j]!))
  const second = leading(rest)
  // An eigenvector e of the inner products gives the direction Σ eᵢ vᵢ of length √λ.
  const unit = ({ value, vector }: typeof first) => vector.map(v => v / Math.sqrt(Math.max(value, Number.MIN_VALUE)))
  return [unit(first), unit(second)]
}

/** Largest eigenvalue and its vector of a symmetric matrix without negative ones. */
function leading(matrix: readonly (readonly number[])[]): { value: number; vector: number[] } {
  // Nothing special about the start but that it is not likely to be at right angles to the answer.
  let vector = matrix.map((_, i) => 1 + Math.sin(12.9898 * (i + 1)))
  let value = 0
  for (let round = 0; round < 500; round++) {
    const next = matrix.map(row => row.reduce((sum, v, j) => sum + v * vector[j]!, 0))
    const size = Math.hypot(...next)
    if (size === 0) return { value: 0, vector: matrix.map((_, i) => (i === 0 ? 1 : 0)) }
    vector = next.map(v => v / size)
    if (Math.abs(size - value) <= 1e-13 * size) break
    value = size
  }
  return { value, vector }
}
