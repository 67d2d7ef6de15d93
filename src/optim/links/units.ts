/**
 * The axes of a weight along which the inputs of one unit lie; null for weights of rank 0 and 1. Dense kernels are
 * [inputs, units], as in Keras; embeddings [tokens, size], each token a unit; kernels of convolutions [units, inputs, …],
 * as in ONNX.
 */
export function inputAxes(path: string, rank: number): number[] | null {
  if (rank < 2) return null
  if (rank === 2) return path.endsWith('embeddings') ? [1] : [0]
  return Array.from({ length: rank - 1 }, (_, i) => i + 1)
}
