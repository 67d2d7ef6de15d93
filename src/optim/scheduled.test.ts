import { describe, expect, test } from 'vitest'
import { optimizers, schedules } from '../index.js'
import { tensor } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { minimizer } from './minimizer.js'

/** The path of one number down a parabola of slope w. */
async function walk(optimizer: ReturnType<typeof optimizers.sgd>, steps: number): Promise<number[]> {
  const at = await minimizer(optimizer, { w: tensor(Float32Array.of(1), [1]) }, ({ w }) =>
    ops.mul(ops.reduceSumSquare(w!, { keepdims: 0 }), 0.5),
  )
  const path: number[] = []
  for (let now = at.begin, i = 0; i < steps; i++) {
    now = await at.next(now)
    path.push(Number(now.parameters.w!.data[0]))
  }
  return path
}
const close = (received: readonly number[], wanted: readonly number[]) =>
  wanted.forEach((w, i) => {
    expect(received[i]).toBeCloseTo(w, 5)
  })

describe('hyperparameters that follow schedules', () => {
  const cycle = (step: number) => 0.5 + 0.4 * Math.sin(step)

  test("SGD's momentum", async () => {
    let [w, v] = [1, 0]
    const wanted = Array.from({ length: 12 }, (_, step) => {
      v = cycle(step) * v + 0.1 * w
      w -= v
      return w
    })
    close(await walk(optimizers.sgd({ learningRate: 0.1, momentum: cycle }), 12), wanted)
  })

  test("Adam's beta1, in the bias correction too", async () => {
    let [w, m, v] = [1, 0, 0]
    const wanted = Array.from({ length: 12 }, (_, step) => {
      const b = cycle(step)
      m = b * m + (1 - b) * w
      v = 0.999 * v + 0.001 * w * w
      w -= (0.1 * Math.sqrt(1 - 0.999 ** (step + 1)) * m) / ((1 - b ** (step + 1)) * (Math.sqrt(v) + 1e-7))
      return w
    })
    close(await walk(optimizers.adam({ learningRate: 0.1, beta1: cycle }), 12), wanted)
  })

  test('are written as their configs and made again', async () => {
    const momentum = schedules.oneCycleMomentum({ totalSteps: 20 })
    const sgd = optimizers.sgd({ learningRate: 0.05, momentum })
    const config = optimizers.optimizerToConfig(sgd, 0.05)
    const again = optimizers.optimizerFromConfig(JSON.parse(JSON.stringify(config)) as typeof config & object)
    expect(await walk(again, 10)).toEqual(await walk(sgd, 10))
  })

  test('must stay between 0 and 1, and others must be numbers', async () => {
    await expect(walk(optimizers.sgd({ momentum: () => 1.5 }), 1)).rejects.toMatchObject({ code: 'out-of-range' })
    expect(() => optimizers.adam({ beta2: (() => 0.9) as unknown as number })).toThrow(
      expect.objectContaining({ code: 'bad-option' }),
    )
  })
})
