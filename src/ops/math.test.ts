import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compile, type Dim, gradients, graph, numbersOf, ShapeError, tensor, type Value } from '../graph.js'
import * as ops from './index.js'

interface Binary {
  build: (a: Value, b: Value) => Value
  value: (a: number, b: number) => number
  /** The partial derivatives. */
  slopes: (a: number, b: number) => readonly [number, number]
}
// Plain JavaScript as the reference.
const family: Record<string, Binary> = {
  add: { build: ops.add, value: (a, b) => a + b, slopes: () => [1, 1] },
  sub: { build: ops.sub, value: (a, b) => a - b, slopes: () => [1, -1] },
  mul: { build: ops.mul, value: (a, b) => a * b, slopes: (a, b) => [b, a] },
  div: { build: ops.div, value: (a, b) => a / b, slopes: (a, b) => [1 / b, -a / b ** 2] },
  pow: {
    build: ops.pow,
    value: (a, b) => a ** b,
    slopes: (a, b) => [b * a ** (b - 1), a ** b * Math.log(a)],
  },
  mod: {
    build: (a, b) => ops.mod(a, b, { fmod: 1 }),
    value: (a, b) => a % b,
    slopes: (a, b) => [1, -Math.trunc(a / b)],
  },
  max: {
    build: (a, b) => ops.max([a, b]),
    value: Math.max,
    slopes: (a, b) => (a === b ? [0.5, 0.5] : a > b ? [1, 0] : [0, 1]),
  },
  min: {
    build: (a, b) => ops.min([a, b]),
    value: Math.min,
    slopes: (a, b) => (a === b ? [0.5, 0.5] : a < b ? [1, 0] : [0, 1]),
  },
  sum: { build: (a, b) => ops.sum([a, b]), value: (a, b) => a + b, slopes: () => [1, 1] },
  where: {
    build: (a, b) => ops.where(ops.greater(a, 1), a, b),
    value: (a, b) => (a > 1 ? a : b),
    slopes: a => (a > 1 ? [1, 0] : [0, 1]),
  },
}

const size = (dims: readonly number[]) => dims.reduce((n, d) => n * d, 1)
/** For each element of the broadcast result, where its operand stands. */
function places(dims: readonly number[], full: readonly number[]): number[] {
  return Array.from({ length: size(full) }, (_, flat) => {
    let [rest, at, stride] = [flat, 0, 1]
    for (let axis = full.length - 1; axis >= 0; axis--) {
      const i = rest % full[axis]!
      rest = Math.floor(rest / full[axis]!)
      const own = dims[axis - full.length + dims.length]
      if (own === undefined) continue
      if (own !== 1) at += i * stride
      stride *= own
    }
    return at
  })
}

/** Two shapes that broadcast, in either direction, of any two ranks. */
const shapes = fc
  .array(fc.record({ extent: fc.integer({ min: 1, max: 3 }), a: fc.boolean(), b: fc.boolean() }), { maxLength: 4 })
  .chain(axes =>
    fc.record({ cutA: fc.nat(axes.length), cutB: fc.nat(axes.length) }).map(({ cutA, cutB }) => {
      const a = axes.map(axis => (axis.a ? axis.extent : 1)).slice(cutA)
      const b = axes.map(axis => (axis.b ? axis.extent : 1)).slice(cutB)
      const rank = Math.max(a.length, b.length)
      const full = Array.from({ length: rank }, (_, i) =>
        Math.max(a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1),
      )
      return { a, b, full }
    }),
  )

describe.each(Object.entries(family))('%s', (_, { build, value, slopes }) => {
  // Quarters: ties occur, and no quotient is so near a whole number that the remainder is in doubt.
  const operand = fc.array(fc.integer({ min: 2, max: 12 }), { minLength: 81, maxLength: 81 })
  const near = (found: readonly number[], wanted: readonly number[]) => {
    expect(found).toHaveLength(wanted.length)
    found.forEach((x, i) => {
      expect(x).toBeCloseTo(wanted[i]!, 8)
    })
  }

  test.each(['static', 'symbolic'])(
    'broadcasts, and its gradients have the shapes of the operands (%s extents)',
    async kind => {
      await fc.assert(
        fc.asyncProperty(shapes, operand, operand, async ({ a, b, full }, as, bs) => {
          const [x, y] = [as.slice(0, size(a)).map(n => n / 4), bs.slice(0, size(b)).map(n => n / 4)]
          const g = graph()
          const open = (dims: readonly number[], name: string): Dim[] =>
            kind === 'static' ? [...dims] : dims.map((_, i) => `${name}${i}`)
          const A = g.input('a', 'float64', open(a, 'a'))
          const B = g.input('b', 'float64', open(b, 'b'))
          const out = build(A, B)
          const seed = g.input('seed', 'float64', kind === 'static' ? full : full.map((_, i) => `s${i}`))
          const [da, db] = gradients(out, [A, B], { seeds: [seed], unconnected: 'zeros' })
          const weights = Array.from({ length: size(full) }, (_, i) => (i % 5) - 1.5)
          const program = await compile(g, { outputs: { out, da: da!, db: db! } })
          const result = await program.run({
            a: tensor(x, a, 'float64'),
            b: tensor(y, b, 'float64'),
            seed: tensor(weights, full, 'float64'),
          })
          expect([result.out!.shape, result.da!.shape, result.db!.shape]).toEqual([full, a, b])
          const [ia, ib] = [places(a, full), places(b, full)]
          near(
            numbersOf(result.out!),
            ia.map((at, i) => value(x[at]!, y[ib[i]!]!)),
          )
          const wanted = [new Array<number>(size(a)).fill(0), new Array<number>(size(b)).fill(0)] as const
          ia.forEach((at, i) => {
            const [sa, sb] = slopes(x[at]!, y[ib[i]!]!)
            wanted[0][at]! += weights[i]! * sa
            wanted[1][ib[i]!]! += weights[i]! * sb
          })
          near(numbersOf(result.da!), wanted[0])
          near(numbersOf(result.db!), wanted[1])
        }),
        { numRuns: kind === 'static' ? 15 : 8 },
      )
    },
  )
})

describe('operands that do not fit', () => {
  const g = graph()
  const float = g.input('float', 'float32', [2])
  const double = g.input('double', 'float64', [2])
  const long = g.input('long', 'int64', [2])
  const text = g.input('text', 'string', [2])
  const three = g.input('three', 'float32', [3])

  test('of two dtypes are refused with the cast that helps', () => {
    expect(() => ops.add(float, double)).toThrow(/dtype-mismatch.*float32.*float64 \(double\).*cast/)
    expect(() => ops.max([float, long])).toThrow(ShapeError)
    expect(() => ops.where(ops.greater(float, 0), float, long)).toThrow(ShapeError)
    expect(() => ops.clip(float, double)).toThrow(/dtype-mismatch/)
  })
  test('of a dtype that the operator does not compute are refused', () => {
    expect(() => ops.mul(text, text)).toThrow(/dtype: at Mul/)
    expect(() => ops.exp(long)).toThrow(/expected a float dtype, received int64 \(long\)/)
    expect(() => ops.mod(float, float)).toThrow(/float-mod.*fmod: 1/)
    expect(() => ops.bitShift(long, long, { direction: 'LEFT' })).toThrow(/unsigned/)
    expect(() => ops.bitShift(ops.cast(long, { to: 'uint8' }), [1, 2], { direction: 'UP' })).toThrow(/LEFT \| RIGHT/)
    expect(() => ops.and(float, float)).toThrow(/bool/)
    expect(() => ops.pow(text, 2)).toThrow(/dtype/)
  })
  test('of shapes that do not broadcast are refused with both shapes', () => {
    expect(() => ops.div(float, three)).toThrow(/broadcast.*\[2\] and \[3\]/)
    expect(() => ops.clip(float, three)).toThrow(/clip-bound/)
    expect(() => ops.pRelu(float, three)).toThrow(ShapeError)
  })
})

test('numbers in an expression take the dtype of the value beside them, whatever the truth value asks', () => {
  const g = graph()
  const x = g.input('x', 'float64', [2])
  expect(ops.where(ops.greater(x, 0), x, 0).dtype).toBe('float64')
  expect(ops.sub(1, x).dtype).toBe('float64')
})
