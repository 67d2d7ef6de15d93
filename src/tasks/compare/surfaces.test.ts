import { describe, expect, test } from 'vitest'
import { gradients } from '../../autodiff/index.js'
import { Graph, tensor } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { adam, gradientDescent, sam, sgd } from '../../optim/index.js'
import { compile } from '../../runtime/index.js'
import { descender } from './descend.js'
import { testSurfaces } from './surfaces.js'

describe.each(testSurfaces.map(surface => [surface.name, surface] as const))('%s', (_, surface) => {
  test('is the same function in the graph as on paper, flat at its minima, which are lower than the ground around', async () => {
    const graph = new Graph()
    const [x, y] = [graph.input('x', 'float32', []), graph.input('y', 'float32', [])]
    const f = surface.graph(x, y)
    const [dx, dy] = gradients(f, [x, y])
    const program = await compile(graph, { outputs: { f, dx: dx!, dy: dy! } })
    const at = async (u: number, v: number) => {
      const out = await program.run({ x: tensor(Float32Array.of(u), []), y: tensor(Float32Array.of(v), []) })
      return [out.f, out.dx, out.dy].map(t => Number(t!.data[0])) as [number, number, number]
    }
    for (const [u, v] of [surface.start, [0.3, -0.7], [1.5, 0.5]] as const)
      expect((await at(u, v))[0] / surface.value(u, v)).toBeCloseTo(1, 4)
    for (const [u, v] of surface.minima) {
      const [height, slopeX, slopeY] = await at(u, v)
      expect(Math.hypot(slopeX, slopeY)).toBeLessThan(1e-3)
      for (const [du, dv] of [
        [0.1, 0],
        [-0.1, 0],
        [0, 0.1],
        [0, -0.1],
      ] as const)
        expect(surface.value(u + du, v + dv)).toBeGreaterThan(height)
    }
  })
})

const bowl = (point: Parameters<typeof ops.reduceSumSquare>[0]) => ops.reduceSumSquare(point, { keepdims: 0 })

test('gradient descent halves its way down a bowl as by hand', async () => {
  const walk = descender(gradientDescent({ learningRate: 1 }), bowl, 2)
  const points = await walk([4, -2], 0.25, 3)
  expect(points).toEqual([
    [4, -2],
    [2, -1],
    [1, -0.5],
    [0.5, -0.25],
  ])
})

test('a walk uses the rate it is given, not the optimizer’s own, with fresh memory each time', async () => {
  const walk = descender(adam({ learningRate: 7 }), bowl, 2)
  const first = await walk([1, 1], 0.1, 5)
  await walk([1, 1], 0.5, 5)
  expect(await walk([1, 1], 0.1, 5)).toEqual(first)
  expect(first[1]![0]).toBeCloseTo(0.9, 4)
})

test('a walk that leaves for the distance ends early', async () => {
  expect((await descender(sgd(), bowl, 2)([1, 1], 3, 100)).length).toBeLessThan(20)
})

test('optimizers that look at the loss elsewhere walk too', async () => {
  const points = await descender(sam(sgd()), bowl, 2)([1, 1], 0.1, 20)
  expect(Math.hypot(...(points.at(-1)! as [number, number]))).toBeLessThan(0.1)
})
