/**
 * The axes of a weight along which the inputs of one unit lie; null for weights of rank 0 and 1. Dense kernels are
 * [inputs, units], as in Keras; kernels of convolutions [units, inputs, …], as in ONNX.
 */
export function inputAxes(_path: string, rank: number): number[] | null {
  if (rank < 2) return null
  if (rank === 2) return [0]
  return Array.from({ length: rank - 1 }, (_, i) => i + 1)
}
