import { type Tensor, tensor, type Value } from '../../ir/index.js'
import { minimizer } from '../../optim/minimizer.js'
import type { Optimizer } from '../../optim/optimizer.js'

/** The path of an optimizer on a loss of one small vector, at any learning rate: its programs are compiled once. */
export function descender(optimizer: Optimizer, loss: (point: Value) => Value, size: number) {
  const at = (start: readonly number[]): Tensor => tensor(Float32Array.from(start), [size])
  const ways = minimizer(optimizer, { point: at(new Array<number>(size).fill(0)) }, ({ point }) => loss(point!))

  /** All points of the way, the start first; it ends early where a coordinate leaves ±`limit` or is no number. */
  return async (start: readonly number[], learningRate: number, steps: number, limit = 1e3): Promise<number[][]> => {
    let now = ways.from({ point: at(start) })
    const points = [[...start]]
    for (let step = 0; step < steps; step++) {
      now = await ways.next(now, learningRate)
      const point = Array.from(now.parameters.point!.data as Float32Array) // parameters are float32
      if (!point.every(v => Math.abs(v) <= limit)) break
      points.push(point)
    }
    return points
  }
}
