import type { Network } from '../nn/network.js'
import type { DataLike } from './batches.js'
import type { TrainingSource } from './sources.js'

/** `fit(x, y, options)` and `fit(source, options)` in one form. */
export function asSource(
  net: Network,
  x: unknown,
  second: unknown,
  third: object | undefined,
): [TrainingSource, object] {
  const keys = typeof second === 'object' && second !== null ? Object.keys(second) : []
  const byOutput = keys.length > 0 && keys.every(key => net.outputs.some(output => output.name === key))
  const isData =
    third !== undefined ||
    byOutput ||
    Array.isArray(second) ||
    ArrayBuffer.isView(second) ||
    (typeof second === 'object' && second !== null && 'dtype' in second)
  return isData
    ? [{ x: x as DataLike, y: second as DataLike }, third ?? {}]
    : [x as TrainingSource, (second as object | undefined) ?? {}]
}
