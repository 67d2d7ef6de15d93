import { ConfigError, DataError, ShapeError, sizeOf, type Tensor } from '../../ir/index.js'
import { type Example, isTensor } from '../example.js'

/** Number of classes, or one for each target by name; none means that targets are distributions (or numbers) already. */
export type Classes = number | Readonly<Record<string, number>> | undefined

/** Applies `change` to each target of an example. */
export function mapTargets(
  example: Example,
  classes: Classes,
  where: string,
  change: (y: Tensor, classes: number | undefined, where: string) => Tensor,
): Tensor | Readonly<Record<string, Tensor>> {
  const { y } = example
  if (y === undefined)
    throw new DataError({ code: 'missing-data', where: `${where}: y`, expected: 'targets', received: 'none' })
  const unnamed = classes === undefined || typeof classes === 'number'
  if (isTensor(y)) {
    if (!unnamed)
      throw new ConfigError({
        code: 'bad-option',
        where: `${where}.classes`,
        expected: 'a number, as there is one target',
        received: classes,
      })
    return change(y, classes, `${where}: y`)
  }
  if (!unnamed)
    for (const name of Object.keys(classes))
      if (!Object.hasOwn(y, name))
        throw new ConfigError({
          code: 'unknown-output',
          where: `${where}.classes`,
          expected: `targets ${Object.keys(y).join(', ')}`,
          received: name,
        })
  return Object.fromEntries(
    Object.entries(y).map(([name, t]) => [name, change(t, unnamed ? classes : classes[name], `${where}: y.${name}`)]),
  )
}

/**
 * Targets as float32 that may be mixed. With `classes`, shapes [], [n] and [n, 1] are class numbers and become one-hot,
 * [classes] or [n, classes]; any other shape must end in `classes` and holds distributions. Without, the targets are
 * taken as they stand, and must be floats.
 */
export function softTargets(y: Tensor, classes: number | undefined, where: string): Tensor {
  const { shape } = y
  if (y.dtype === 'string' || y.dtype === 'float16' || y.dtype === 'bfloat16')
    throw new DataError({ code: 'target-dtype', where, expected: 'numeric targets', received: y.dtype })
  if (classes === undefined) {
    if (y.dtype === 'float32') return y
    if (y.dtype === 'float64') return { dtype: 'float32', shape, data: Float32Array.from(y.data as Float64Array) }
    throw new DataError({
      code: 'target-dtype',
      where,
      expected: 'float targets, which can be mixed',
      received: `${y.dtype} [${shape.join(', ')}]`,
      hint: 'for class numbers say how many classes there are: { classes: 10 }',
    })
  }
  if (shape.length < 2 || (shape.length === 2 && shape[1] === 1)) return oneHot(y, classes, where)
  if (shape.at(-1) !== classes)
    throw new ShapeError({
      code: 'target-shape',
      where,
      expected: `class numbers, [n] or [n, 1], or distributions over ${classes} classes, [n, ${classes}]`,
      received: `[${shape.join(', ')}]`,
    })
  return y.dtype === 'float32' ? y : { dtype: 'float32', shape, data: Float32Array.from(y.data, Number) }
}

function oneHot(y: Tensor, classes: number, where: string): Tensor {
  const data = new Float32Array(sizeOf(y.shape) * classes)
  for (let i = 0; i < y.data.length; i++) {
    const label = Number(y.data[i])
    if (!Number.isInteger(label) || label < 0 || label >= classes)
      throw new DataError({
        code: 'label-out-of-range',
        where: `${where}, example ${i}`,
        expected: `a whole number from 0 to ${classes - 1}`,
        received: label,
        hint: 'labels count from 0',
      })
    data[i * classes + label] = 1
  }
  return { dtype: 'float32', shape: [...y.shape.slice(0, 1), classes], data }
}
