import type { Tensor } from '../../ir/index.js'

/**
 * A weight as a picture, as Keras's TensorBoard callback draws it: a vector is a column, a matrix lies on its longer
 * side, a stack of planes is one picture each, and kernels of 1, 3 or 4 input channels are pictures in their colours;
 * other kernels are none. From black, the smallest number, to white, the largest: Keras clips at 0 and 1 instead.
 * @returns [pictures, channels, height, width], or null
 */
export function weightImage(weight: Tensor): Tensor | null {
  const shape = weight.shape.filter(size => size !== 1)
  const data = scaled(weight.data as Float32Array) // weights are float32
  if (data.length === 0 || shape.length > 4) return null
  if (shape.length <= 1) return picture([1, 1, data.length, 1], data)
  if (shape.length === 2) {
    const [rows, columns] = shape as [number, number]
    if (rows <= columns) return picture([1, 1, rows, columns], data)
    return picture(
      [1, 1, columns, rows],
      data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!),
    )
  }
  if (shape.length === 3) return picture([shape[0]!, 1, shape[1]!, shape[2]!], data)
  return [1, 3, 4].includes(shape[1]!) ? picture(shape, data) : null
}

const picture = (shape: readonly number[], data: Float32Array): Tensor => ({ dtype: 'float32', shape, data })

function scaled(data: Float32Array): Float32Array {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const value of data) {
    if (value < min) min = value
    if (value > max) max = value
  }
  return data.map(value => (max > min ? (value - min) / (max - min) : 0.5))
}
