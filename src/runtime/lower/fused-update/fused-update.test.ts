import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { counterRandom, Graph, isStatic, sizeOf, type Tensor, tensor, type Value } from '../../../ir/index.js'
import * as ops from '../../../ops/index.js'
import { compile, createState, type Program } from '../../index.js'
import { fuseUpdate } from './index.js'

type Shape = readonly number[]
interface Step {
  graph: Graph
  outputs?: Record<string, Value>
  updates: Record<string, Value>
}

const filled = (shape: Shape, seed: number): Tensor => {
  const random = counterRandom(seed)
  return tensor(
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => random.normal(i)),
    shape,
  )
}
const hash = (name: string): number => [...name].reduce((h, letter) => (h * 31 + letter.charCodeAt(0)) & 0xffff, 7)

/** Runs a step several times with and without the kernel from equal states; returns both states and the fused program. */
async function bothWays(
  make: () => Step,
  { steps = 3, device = 'cpu' as const, extra = {} as Record<string, Tensor> } = {},
) {
  const results: Record<string, Tensor>[] = []
  let fused: Program | undefined
  for (const lowering of [['fused-update'], false] as const) {
    const { graph, outputs = {}, updates } = make()
    const program = await compile(graph, { outputs, updates, lowering, device })
    if (lowering !== false) fused = program
    const state = await createState({ device })
    for (const { name, shape, dtype } of graph.inputs)
      if (dtype === 'float32' && isStatic(shape) && !name.startsWith('feed'))
        state.write(name, filled(shape, hash(name)))
    const seen: Record<string, Tensor> = {}
    for (let i = 0; i < steps; i++) {
      const feeds = Object.fromEntries(
        graph.inputs
          .filter(input => input.name.startsWith('feed'))
          .map(({ name, shape }) => [name, extra[name] ?? filled(shape as Shape, hash(name) + i)]),
      )
      const out = await program.run(feeds, state, { ignoreUnknown: true })
      for (const [name, t] of Object.entries(out)) seen[`${name} ${i}`] = t
    }
    for (const name of Object.keys(updates)) seen[name] = await state.read(name)
    results.push(seen)
  }
  return { fused: results[0]!, plain: results[1]!, program: fused! }
}

/** Equal to the last bit unless told otherwise; −0 and 0 are one number. */
const close = (a: Tensor, b: Tensor, tolerance = 0): void => {
  expect(a.shape).toEqual(b.shape)
  for (let i = 0; i < a.data.length; i++) {
    const [x, y] = [Number(a.data[i]), Number(b.data[i])]
    if (!Object.is(x, y)) expect(Math.abs(x - y)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(y)))
  }
}

const floats: readonly ((a: Value, b: Value, c: Value, mask: Value) => Value)[] = [
  (a, b) => ops.add(a, b),
  (a, b) => ops.sub(a, b),
  (a, b) => ops.mul(a, b),
  (a, b) => ops.div(a, b),
  a => ops.neg(a),
  a => ops.abs(a),
  a => ops.sqrt(a),
  a => ops.reciprocal(a),
  a => ops.sign(a),
  (a, b) => ops.min([a, b]),
  (a, b, c) => ops.max([a, b, c]),
  (a, b, c) => ops.sum([a, b, c]),
  (a, b) => ops.mean([a, b]),
  a => ops.clip(a, -0.5, 0.75),
  a => ops.max([a, 0.25]),
  a => ops.min([0.25, a]),
  a => ops.relu(a),
  a => ops.pow(a, 2),
  a => ops.pow(a, 1),
  a => ops.floor(a),
  a => ops.ceil(a),
  a => ops.round(a),
  a => ops.mul(a, 0.9),
  // Not 1: the runtime makes (1 / a) · b one division, with one rounding where kernel and operators have two.
  a => ops.div(3, a),
  (a, b, _, mask) => ops.where(mask, a, b),
  (_a, _b, _c, mask) => ops.cast(mask, { to: 'float32' }),
  a => ops.reshape(ops.reshape(a, [-1]), a.shape as number[]),
]
const masks: readonly ((a: Value, b: Value, mask: Value, other: Value) => Value)[] = [
  (a, b) => ops.greater(a, b),
  (a, b) => ops.less(a, b),
  (a, b) => ops.greaterOrEqual(a, b),
  (a, b) => ops.lessOrEqual(a, b),
  (a, b) => ops.equal(a, b),
  (_a, _b, mask, other) => ops.and(mask, other),
  (_a, _b, mask, other) => ops.or(mask, other),
  (_a, _b, mask, other) => ops.xor(mask, other),
  (_a, _b, mask) => ops.not(mask),
  a => ops.cast(a, { to: 'bool' }),
]

describe('fused updates', () => {
  test('give what ONNX Runtime gives, bit for bit, whatever the elementwise graph', async () => {
    const choice = fc.tuple(fc.nat(floats.length + masks.length - 1), fc.nat(), fc.nat(), fc.nat(), fc.nat())
    const shape = fc.constantFrom<Shape>([1], [], [3], [4], [2, 3], [17], [1, 5])
    await fc.assert(
      fc.asyncProperty(
        fc.array(choice, { minLength: 1, maxLength: 14 }),
        shape,
        fc.nat(3),
        async (list, shape, asked) => {
          const make = (): Step => {
            const graph = new Graph()
            const input = (name: string, of: Shape = shape) => graph.input(name, 'float32', of)
            const [w, m, v] = [input('w'), input('m'), input('v')]
            // The first is made by the runtime; the second may be needed by both.
            const gradient = ops.tanh(input('feedX'))
            const numbers = [w, m, v, gradient, input('feedRate', []), ops.mul(input('feedScale', [1]), 0.5)]
            const full = (x: Value) => sizeOf(x.shape) === sizeOf(shape)
            const bools: Value[] = [ops.greater(w, 0)]
            for (const [kind, ...picks] of list) {
              const [a, b, c] = picks.map(pick => numbers[pick % numbers.length]!) as [Value, Value, Value]
              const [p, q] = [picks[2]!, picks[3]!].map(pick => bools[pick % bools.length]!) as [Value, Value]
              if (kind < floats.length) numbers.push(floats[kind]!(a, b, c, p))
              else bools.push(masks[kind - floats.length]!(a, b, p, q))
            }
            const results = numbers.filter(x => full(x) && x.shape.length === shape.length)
            const last = (i: number) => results[Math.max(0, results.length - 1 - i)]!
            return {
              graph,
              outputs: asked === 0 ? { seen: last(2) } : asked === 1 ? { loss: ops.reduceSum(gradient) } : {},
              updates: { w: last(0), m: last(1), v: last(3) },
            }
          }
          const { fused, plain } = await bothWays(make, { steps: 2 })
          for (const name of Object.keys(plain)) close(fused[name]!, plain[name]!)
        },
      ),
      { numRuns: 100 },
    )
  }, 60_000)

  test('treat what is not a number, infinities and zeros as ONNX Runtime does', async () => {
    const hard = [Number.NaN, Infinity, -Infinity, 0, -0, 1, -1, 2.5, -2.5, 0.5, -0.5, 1e-40, 3e38]
    const pairs = hard.flatMap(a => hard.map(b => [a, b] as const))
    const extra = {
      feedA: tensor(Float32Array.from(pairs, ([a]) => a)),
      feedB: tensor(Float32Array.from(pairs, ([, b]) => b)),
    }
    const all = [
      ...floats,
      (a: Value) => ops.pow(a, 3),
      (a: Value) => ops.pow(a, 0.5),
      (a: Value) => ops.pow(a, -1),
      (a: Value) => ops.isNaN(a),
    ]
    const make = (): Step => {
      const graph = new Graph()
      const [a, b] = ['feedA', 'feedB'].map(name => graph.input(name, 'float32', [pairs.length])) as [Value, Value]
      const values = [
        ...all.map(op => op(a, b, a, ops.greater(a, b))),
        ...masks.map(op => op(a, b, ops.less(a, b), ops.equal(a, b))),
      ]
      const updates = values.map((value, i) => {
        const to = graph.input(`slot${i}`, 'float32', [pairs.length])
        // Added to something that stays 0: a value that is only an input would not go through the kernel.
        return [
          `slot${i}`,
          ops.add(ops.mul(to, 0), value.dtype === 'bool' ? ops.cast(value, { to: 'float32' }) : value),
        ]
      })
      return { graph, updates: Object.fromEntries(updates) as Record<string, Value> }
    }
    const { fused, plain, program } = await bothWays(make, { steps: 1, extra })
    expect(program.fused).toHaveLength(all.length + masks.length)
    for (const name of Object.keys(plain)) close(fused[name]!, plain[name]!, 1e-7)
  })
})

describe('the tail', () => {
  const shape = [3, 5]
  const inputs = (graph: Graph, ...names: string[]) => names.map(name => graph.input(name, 'float32', shape))

  test('takes old values before new ones are written, across passes and arrays', async () => {
    const make = (): Step => {
      const graph = new Graph()
      const [a, b, c, d] = inputs(graph, 'a', 'b', 'c', 'd') as [Value, Value, Value, Value]
      const s = graph.input('s', 'float32', [1])
      const turned = ops.add(a, ops.mul(b, 0.5))
      const norm = ops.sqrt(ops.reduceSumSquare(turned, { keepdims: 0 }))
      return {
        graph,
        updates: {
          a: turned,
          b: a, // the old one
          c: ops.add(c, ops.mul(a, norm)), // the old one, when the new one is long known
          d: ops.div(d, ops.add(s, ops.add(norm, 1))),
          s: ops.add(s, norm),
        },
      }
    }
    const { fused, plain, program } = await bothWays(make)
    expect([...program.fused].sort()).toEqual(['a', 'b', 'c', 'd', 's'])
    for (const name of Object.keys(plain)) close(fused[name]!, plain[name]!)
  })

  test('goes through reductions to one number: norms of what is computed in it', async () => {
    const reductions = [
      ops.reduceSum,
      ops.reduceMean,
      ops.reduceSumSquare,
      ops.reduceL1,
      ops.reduceL2,
      ops.reduceMax,
      ops.reduceMin,
    ]
    const make = (): Step => {
      const graph = new Graph()
      const updates: Record<string, Value> = {}
      reductions.forEach((reduce, i) => {
        const [w, m] = inputs(graph, `w${i}`, `m${i}`) as [Value, Value]
        const next = ops.add(ops.mul(m, 0.9), ops.tanh(graph.input(`feed${i}`, 'float32', shape)))
        const direction = ops.add(next, ops.mul(w, 0.01))
        const ratio = ops.div(reduce(w, { keepdims: 0 }), ops.add(ops.abs(reduce(direction, { keepdims: 1 })), 0.5))
        updates[`m${i}`] = next
        updates[`w${i}`] = ops.sub(w, ops.mul(direction, ops.mul(ratio, 0.1)))
      })
      return { graph, updates }
    }
    const { fused, plain, program } = await bothWays(make, { steps: 5 })
    expect(program.fused).toHaveLength(2 * reductions.length)
    for (const name of Object.keys(plain)) close(fused[name]!, plain[name]!, 1e-5)
  })

  test('leaves to the runtime what is asked for, what it needs, and what is not elementwise', async () => {
    const make = (): Step => {
      const graph = new Graph()
      const [a, b, c, d] = inputs(graph, 'a', 'b', 'c', 'd') as [Value, Value, Value, Value]
      const count = graph.input('feedCount', 'float32', [])
      const next = ops.mul(b, 2)
      const rows = ops.reduceMean(ops.sub(c, 1), [0])
      return {
        graph,
        outputs: { next },
        updates: { a: ops.add(a, ops.exp(a)), b: next, c: ops.sub(c, rows), d: ops.mul(d, count) },
      }
    }
    const { fused, plain, program } = await bothWays(make)
    expect([...program.fused].sort()).toEqual(['a', 'd'])
    for (const name of Object.keys(plain)) close(fused[name]!, plain[name]!)
  })

  test('takes constants, one number in many places, and inputs that are no state', async () => {
    const half = tensor(new Float32Array(15).fill(0.5), shape)
    const mask = tensor(
      Float32Array.from({ length: 15 }, (_, i) => i % 2),
      shape,
    )
    const make = (): Step => {
      const graph = new Graph()
      const [a, b, c] = inputs(graph, 'a', 'b', 'feedC') as [Value, Value, Value]
      const rate = ops.expand(graph.input('feedRate', 'float32', [1]), shape)
      return {
        graph,
        updates: {
          a: ops.add(ops.mul(a, graph.constant(mask)), ops.mul(c, rate)),
          b: ops.where(ops.greater(rate, 0), ops.mul(b, graph.constant(half)), c),
        },
      }
    }
    const { fused, plain, program } = await bothWays(make)
    expect(program.fused).toHaveLength(2)
    for (const name of Object.keys(plain)) close(fused[name]!, plain[name]!)
  })

  test('is not looked for where lowering is switched off, or without it by name', async () => {
    for (const lowering of [false, [], ['matmul-transpose']]) {
      const graph = new Graph()
      const [a] = inputs(graph, 'a') as [Value]
      const program = await compile(graph, { outputs: {}, updates: { a: ops.mul(a, 2) }, lowering })
      expect(program.fused).toEqual([])
    }
  })

  test('leaves other dtypes and shapes known only at run time alone', async () => {
    const graph = new Graph()
    const x = graph.input('x', 'float64', [3])
    const n = graph.input('n', 'int64', [])
    const y = graph.input('y', 'float32', ['size'])
    const updates = { x: ops.mul(x, 2), n: ops.add(n, 1), y: ops.mul(y, 2) }
    const program = await compile(graph, { outputs: {}, updates })
    expect(program.fused).toEqual([])
    const state = await createState()
    state.write('x', tensor([1, 2, 3], [3], 'float64'))
    state.write('n', tensor(BigInt64Array.of(1n), []))
    state.write('y', tensor([1, 2]))
    await program.run({}, state)
    expect((await state.read('n')).data[0]).toBe(2n)
    expect([...((await state.read('y')).data as Float32Array)]).toEqual([2, 4])
  })

  test('larger than a memory of WebAssembly stays in the graph', async () => {
    const graph = new Graph()
    const [w, m] = ['w', 'm'].map(name => graph.input(name, 'float32', [2 ** 29 + 1])) as [Value, Value]
    expect(await fuseUpdate({ graph, outputs: {} }, { w: ops.sub(w, m) })).toBeUndefined()
    expect((await fuseUpdate({ graph, outputs: {} }, { m: ops.mul(m, 0.9) }))?.updates).toEqual(['m'])
  })

  test('of equal parameters shares a loop, whatever their shapes', async () => {
    const graph = new Graph()
    const updates: Record<string, Value> = {}
    for (let i = 0; i < 20; i++) {
      const [w, m] = ['w', 'm'].map(name => graph.input(`${name}${i}`, 'float32', [i + 2, 3])) as [Value, Value]
      updates[`m${i}`] = ops.mul(m, 0.9)
      updates[`w${i}`] = ops.sub(w, ops.mul(updates[`m${i}`]!, 0.1))
    }
    const fused = await fuseUpdate({ graph, outputs: {} }, updates)
    expect(fused?.plan.calls).toHaveLength(20)
    expect(fused?.plan.bodies).toHaveLength(1)
  })

  test('works on the WebAssembly build too', async () => {
    const make = (): Step => {
      const graph = new Graph()
      const [w, m] = inputs(graph, 'w', 'm') as [Value, Value]
      const next = ops.add(ops.mul(m, 0.9), ops.tanh(graph.input('feedX', 'float32', shape)))
      return {
        graph,
        outputs: { size: ops.reduceL2(ops.exp(w)) },
        updates: { m: next, w: ops.sub(w, ops.mul(next, graph.input('feedRate', 'float32', []))) },
      }
    }
    const { fused, plain, program } = await bothWays(make, { device: 'wasm' as 'cpu' })
    expect(program.fused).toEqual(['m', 'w'])
    for (const name of Object.keys(plain)) close(fused[name]!, plain[name]!)
  })
})
