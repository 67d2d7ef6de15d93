import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Dim, Graph, graph, numbersOf, type Tensor, tensor, type Value } from '../ir/index.js'
import * as ops from '../ops/index.js'
import { compile } from '../runtime/index.js'
import { evaluate, expectClose, type Figure, readFigures } from '../testing/figures.js'
import { gradients, stopGradient } from './index.js'

const double = (data: readonly number[], shape: readonly number[] = [data.length]): Tensor =>
  tensor([...data], shape, 'float64')
const total = (x: Value): Value => ops.reduceSum(x, { keepdims: 0 })
const code = (code: string) => expect.objectContaining({ code })

describe('accumulation', () => {
  test('adds what reaches a value on every path', async () => {
    const out = await evaluate({ x: double([2, -1]) }, ({ x }) => {
      const left = ops.mul(x!, x!)
      const right = ops.exp(x!)
      const loss = total(ops.add(ops.mul(left, right), ops.add(left, x!)))
      return { dx: gradients(loss, [x!])[0]! }
    })
    const slope = (x: number) => (2 * x + x * x) * Math.exp(x) + 2 * x + 1
    expectClose(out.dx!, { shape: [2], data: [slope(2), slope(-1)] }, { tolerance: 1e-12 })
  })

  test('a value used n times gets n times the gradient', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 8 }), async n => {
        const out = await evaluate({ x: double([3]) }, ({ x }) => {
          const sum = Array.from({ length: n }, () => x!).reduce((a, b) => ops.add(a, b))
          return { dx: gradients(sum, [x!])[0]! }
        })
        expect(numbersOf(out.dx!)).toEqual([n])
      }),
      { numRuns: 8 },
    )
  })

  test('several losses count with their seeds; one loss of any shape counts with its sum', async () => {
    const out = await evaluate({ x: double([1, 2]), s: double([10, 100]) }, ({ x, s }) => {
      const [a, b] = [ops.mul(x!, x!), total(ops.mul(x!, 3))]
      const [plain] = gradients([a, b], [x!])
      const [seeded] = gradients([a, b], [x!], { seeds: [s!, ops.mul(b, 0)] })
      return { plain: plain!, seeded: seeded! }
    })
    expect(numbersOf(out.plain!)).toEqual([5, 7])
    expect(numbersOf(out.seeded!)).toEqual([20, 400])
  })

  test('the gradient of intermediate values and constants, and of a loss for itself', async () => {
    const out = await evaluate({ x: double([2]) }, ({ x }, g) => {
      const middle = ops.mul(x!, 3)
      const constant = g.constant(double([5]))
      const loss = ops.mul(ops.mul(middle, middle), constant)
      const [dx, dm, dc, dl] = gradients(loss, [x!, middle, constant, loss])
      return { dx: dx!, dm: dm!, dc: dc!, dl: dl! }
    })
    expect(Object.values(out).map(t => numbersOf(t)[0])).toEqual([180, 60, 36, 1])
  })
})

describe('where the sweep stops', () => {
  test('a stopped value is a constant, by mark or by option', async () => {
    const out = await evaluate({ x: double([3]) }, ({ x }) => {
      const square = ops.mul(x!, x!)
      const [marked] = gradients(ops.mul(stopGradient(square), x!), [x!])
      const [told] = gradients(ops.mul(square, x!), [x!], { stop: [square] })
      const [free] = gradients(ops.mul(square, x!), [x!])
      return { marked: marked!, told: told!, free: free! }
    })
    expect([out.marked, out.told, out.free].map(t => numbersOf(t!)[0])).toEqual([9, 9, 27])
  })

  test('steps and integers have a zero gradient, not none', async () => {
    const out = await evaluate({ x: double([0.4, 1.6]) }, ({ x }) => {
      const index = ops.cast(x!, { to: 'int64' })
      const picked = ops.gather(x!.graph.constant(double([5, 7])), index)
      return { step: gradients(ops.floor(x!), [x!])[0]!, index: gradients(picked, [x!])[0]! }
    })
    expect(numbersOf(out.step!)).toEqual([0, 0])
    expect(numbersOf(out.index!)).toEqual([0, 0])
  })

  test('a value without influence is an error, or zeros when asked', async () => {
    const g = graph()
    const [x, y] = [g.input('x', 'float64', [2]), g.input('y', 'float64', ['n'])]
    const loss = total(ops.mul(x, x))
    expect(() => gradients(loss, [x, y])).toThrow(code('unconnected-gradient'))
    expect(() => gradients(stopGradient(loss), [y])).toThrow(code('unconnected-gradient'))
    const [, dy] = gradients(loss, [x, y], { unconnected: 'zeros' })
    const out = await (await compile(g, { outputs: { dy: dy! } })).run({ y: double([1, 2, 3]) })
    expect(numbersOf(out.dy!)).toEqual([0, 0, 0])
  })

  test('integers cannot be asked for', () => {
    const g = graph()
    const n = g.input('n', 'int64', [2])
    expect(() => gradients(ops.cast(n, { to: 'float32' }), [n])).toThrow(code('integer-gradient'))
    expect(() => gradients(n, [g.input('x', 'float32', [2])])).toThrow(code('integer-gradient'))
  })

  test('seeds must be one for each loss, of its shape', () => {
    const x = graph().input('x', 'float32', [2])
    const y = ops.mul(x, x)
    expect(() => gradients([y, y], [x], { seeds: [y] })).toThrow(code('gradient-seeds'))
    expect(() => gradients(total(y), [x], { seeds: [y] })).toThrow(code('gradient-seeds'))
  })
})

describe('errors name node and operator', () => {
  test('an operator that is unknown', () => {
    const g = graph()
    const x = g.input('x', 'float32', [2])
    const strange = g.node({ op: 'Relux', domain: 'custom', name: 'block/strange', inputs: [x], outputs: [x] })
      .outputs[0]!
    expect(() => gradients(strange, [x])).toThrow(
      expect.objectContaining({ code: 'unknown-operator', where: 'block/strange', received: 'custom.Relux' }),
    )
    // Off the path it does not matter.
    expect(() => gradients(ops.mul(x, x), [x])).not.toThrow()
  })

  test('a gradient of another shape than its input', () => {
    const g = graph()
    const x = g.input('x', 'float32', [2])
    // A node whose output says something that cannot be.
    const lying = g.node({ op: 'Relu', name: 'layer/lying', inputs: [x], outputs: [{ dtype: 'float32', shape: [3] }] })
    expect(() => gradients(lying.outputs[0]!, [x])).toThrow(
      expect.objectContaining({
        code: 'gradient-shape',
        where: 'gradient of Relu (layer/lying) with respect to X',
        expected: 'float32 [2]',
        received: 'float32 [3]',
      }),
    )
  })

  test('a value that a body takes from around it', () => {
    const g = graph()
    const x = g.input('x', 'float32', [2])
    const condition = g.input('condition', 'bool', [])
    const branch = (k: number) => {
      const body = new Graph(g)
      body.results.push({ name: `y${k}`, value: body.node({ op: 'Identity', inputs: [x], outputs: [x] }).outputs[0]! })
      return body
    }
    const chosen = g.node({
      op: 'If',
      inputs: [condition],
      attrs: { then_branch: branch(0), else_branch: branch(1) },
      outputs: [x],
    })
    expect(() => gradients(chosen.outputs[0]!, [x])).toThrow(/If/)
  })
})

describe('higher order', () => {
  test('the derivatives of x⁴ up to the fourth', async () => {
    const out = await evaluate({ x: double([1.5, -2]) }, ({ x }) => {
      const square = ops.mul(x!, x!)
      let y = ops.mul(square, square)
      const outputs: Record<string, Value> = {}
      for (let order = 1; order <= 4; order++) outputs[`d${order}`] = y = gradients(y, [x!])[0]!
      return outputs
    })
    const at = (f: (x: number) => number) => ({ shape: [2], data: [f(1.5), f(-2)] })
    expectClose(
      out.d1!,
      at(x => 4 * x ** 3),
    )
    expectClose(
      out.d2!,
      at(x => 12 * x ** 2),
    )
    expectClose(
      out.d3!,
      at(x => 24 * x),
    )
    expectClose(
      out.d4!,
      at(() => 24),
    )
  })

  const figures = readFigures<Record<'hessianVector' | 'gradientPenalty', Record<string, Figure>>>(
    new URL('./figures/gradients.json', import.meta.url),
  )
  const feeds = (from: Record<string, Figure>, names: string) =>
    Object.fromEntries(names.split(' ').map(name => [name, double(from[name]!.data, from[name]!.shape)]))

  test("a Hessian-vector product is PyTorch's", async () => {
    const wanted = figures.hessianVector
    const out = await evaluate(feeds(wanted, 'x y w u v z'), ({ x, y, w, u, v, z }) => {
      const error = ops.sub(ops.matMul(ops.tanh(ops.matMul(x!, w!)), u!), y!)
      const loss = ops.reduceMean(ops.mul(error, error), { keepdims: 0 })
      const [dw, du] = gradients(loss, [w!, u!])
      const along = ops.add(total(ops.mul(dw!, v!)), total(ops.mul(du!, z!)))
      const [hw, hu] = gradients(along, [w!, u!])
      return { loss, dw: dw!, du: du!, hw: hw!, hu: hu! }
    })
    for (const [name, t] of Object.entries(out)) expectClose(t, wanted[name]!, { tolerance: 1e-10, what: name })
  })

  test('a step with a gradient penalty is PyTorch’s', async () => {
    const wanted = figures.gradientPenalty
    const loss = ({ real, fake, mix }: Record<string, Value>, [w, b, u]: Value[]) => {
      const critic = (x: Value) => ops.matMul(ops.tanh(ops.add(ops.matMul(x, w!), b!)), u!)
      const between = ops.add(ops.mul(mix!, real!), ops.mul(ops.sub(1, mix!), fake!))
      const [slope] = gradients(critic(between), [between])
      const excess = ops.sub(ops.reduceL2(slope!, [1]), 1)
      const penalty = ops.reduceMean(ops.mul(excess, excess), { keepdims: 0 })
      const means = ops.sub(
        ops.reduceMean(critic(fake!), { keepdims: 0 }),
        ops.reduceMean(critic(real!), { keepdims: 0 }),
      )
      return ops.add(means, ops.mul(penalty, 10))
    }
    const out = await evaluate(feeds(wanted, 'real fake mix w b u'), inputs => {
      const parameters = [inputs.w!, inputs.b!, inputs.u!]
      const before = loss(inputs, parameters)
      const found = gradients(before, parameters)
      const [w1, b1, u1] = parameters.map((p, i) => ops.sub(p, ops.mul(found[i]!, 0.01)))
      return {
        before,
        dw: found[0]!,
        db: found[1]!,
        du: found[2]!,
        w1: w1!,
        b1: b1!,
        u1: u1!,
        after: loss(inputs, [w1!, b1!, u1!]),
      }
    })
    for (const [name, t] of Object.entries(out)) expectClose(t, wanted[name]!, { tolerance: 1e-10, what: name })
  })
})

describe('symbolic extents', () => {
  test('one graph serves every batch', async () => {
    const g = graph()
    const x = g.input('x', 'float64', ['batch', 2])
    const w = g.input('w', 'float64', [2, 3])
    const b = g.input('b', 'float64', [3])
    const loss = ops.reduceMean(ops.exp(ops.add(ops.matMul(x, w), b)), { keepdims: 0 })
    const [dx, dw, db] = gradients(loss, [x, w, b])
    expect([dx!.shape, dw!.shape, db!.shape]).toEqual([['batch', 2], [2, 3], [3]])
    const program = await compile(g, { outputs: { dx: dx!, dw: dw!, db: db! } })
    for (const batch of [1, 4]) {
      const data = Array.from({ length: batch * 2 }, (_, i) => i / 4)
      const out = await program.run({
        x: double(data, [batch, 2]),
        w: double([1, 0, -1, 0.5, 2, 1], [2, 3]),
        b: double([0, 1, 0]),
      })
      const weights = [
        [1, 0, -1],
        [0.5, 2, 1],
      ]
      const rows = Array.from({ length: batch }, (_, n) =>
        [0, 1, 0].map(
          (bias, k) =>
            Math.exp(bias + data[2 * n]! * weights[0]![k]! + data[2 * n + 1]! * weights[1]![k]!) / (3 * batch),
        ),
      )
      const column = (k: number) => rows.reduce((sum, row) => sum + row[k]!, 0)
      expectClose(out.db!, { shape: [3], data: [0, 1, 2].map(column) }, { tolerance: 1e-12 })
      expect(out.dx!.shape).toEqual([batch, 2])
    }
  })

  test('what was broadcast is found out when the program runs', async () => {
    const g = graph()
    const a = g.input('a', 'float64', ['n', 'm'])
    const b = g.input('b', 'float64', ['k'])
    const [da, db] = gradients(ops.mul(a, b), [a, b])
    const program = await compile(g, { outputs: { da: da!, db: db! } })
    const cases: [number[], number[]][] = [
      [[2, 3], [3]],
      [[2, 3], [1]],
      [[2, 1], [3]],
      [[1, 1], [1]],
    ]
    for (const [shape, length] of cases) {
      const left = Array.from({ length: shape[0]! * shape[1]! }, (_, i) => i + 1)
      const right = Array.from({ length: length[0]! }, (_, i) => 10 * (i + 1))
      const out = await program.run({ a: double(left, shape), b: double(right, length) })
      const wide = Math.max(shape[1]!, length[0]!)
      const wantedA = left.map(() => 0)
      const wantedB = right.map(() => 0)
      for (let i = 0; i < shape[0]!; i++)
        for (let j = 0; j < wide; j++) {
          const [p, q] = [i * shape[1]! + (shape[1] === 1 ? 0 : j), length[0] === 1 ? 0 : j]
          wantedA[p]! += right[q]!
          wantedB[q]! += left[p]!
        }
      expectClose(out.da!, { shape, data: wantedA })
      expectClose(out.db!, { shape: length, data: wantedB })
    }
  })

  test('broadcasting of known extents is undone for every pair of shapes', async () => {
    const dims = fc.array(fc.constantFrom<Dim>(1, 2, 3), { maxLength: 3 })
    const pair = fc.tuple(dims, fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }), fc.nat(3))
    await fc.assert(
      fc.asyncProperty(pair, async ([wide, ones, cut]) => {
        const narrow = wide.map((dim, i) => (ones[i] ? 1 : dim) as number).slice(Math.min(cut, wide.length))
        const big = wide as number[]
        const count = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1)
        const out = await evaluate(
          {
            a: double(
              Array.from({ length: count(big) }, (_, i) => i),
              big,
            ),
            b: double(
              Array.from({ length: count(narrow) }, () => 2),
              narrow,
            ),
          },
          ({ a, b }) => {
            const [da, db] = gradients(ops.sub(a!, ops.mul(b!, b!)), [a!, b!])
            return { da: da!, db: db! }
          },
        )
        expect(out.da!.shape).toEqual(big)
        expect(out.db!.shape).toEqual(narrow)
        expect(new Set(numbersOf(out.da!))).toEqual(new Set([1]))
        expect(new Set(numbersOf(out.db!))).toEqual(new Set([(-4 * count(big)) / count(narrow)]))
      }),
      { numRuns: 25, seed: 2 },
    )
  })
})
