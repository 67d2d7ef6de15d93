import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { gradients } from '../autodiff/index.js'
import { type Dim, graph, numbersOf, sizeOf, stridesOf, tensor, type Value } from '../ir/index.js'
import { compile } from '../runtime/index.js'
import * as ops from './index.js'

/** Where each element of a result comes from in the input (flat), or −1 for a constant: the plain reference. */
interface Taken {
  readonly shape: readonly number[]
  readonly from: readonly number[]
}

/** Along each axis the list of places taken (−1: none). */
function takeAxes(shape: readonly number[], places: readonly (readonly number[])[]): Taken {
  const strides = stridesOf(shape)
  const out = places.map(list => list.length)
  const from = Array.from({ length: sizeOf(out) }, (_, flat) => {
    let rest = flat
    let source = 0
    for (let axis = out.length - 1; axis >= 0; axis--) {
      const at = places[axis]![rest % out[axis]!]!
      rest = Math.floor(rest / out[axis]!)
      source = at < 0 || source < 0 ? -1 : source + at * strides[axis]!
    }
    return source
  })
  return { shape: out, from }
}

/** numpy's rules, written as a loop; but going back from before the first element ONNX takes that one. */
function slicePlaces(extent: number, start: number, end: number, step: number): number[] {
  const wrap = (x: number) => (x < 0 ? x + extent : x)
  const places: number[] = []
  if (step > 0) {
    const last = Math.min(wrap(end), extent)
    for (let i = Math.max(wrap(start), 0); i < last; i += step) places.push(i)
  } else {
    const last = Math.max(wrap(end), -1)
    for (let i = Math.max(0, Math.min(wrap(start), extent - 1)); i > last; i += step) places.push(i)
  }
  return places
}

function padPlaces(extent: number, before: number, after: number, mode: string): number[] {
  return Array.from({ length: extent + before + after }, (_, k) => {
    let i = k - before
    if (mode === 'constant') return i >= 0 && i < extent ? i : -1
    if (mode === 'edge') return Math.max(0, Math.min(i, extent - 1))
    if (mode === 'wrap') return ((i % extent) + extent) % extent
    while (i < 0 || i >= extent) i = i < 0 ? -i : 2 * (extent - 1) - i
    return i
  })
}

/**
 * Runs `build` on x = 1, 2, 3, … and checks values, inferred shape, gradient and the gradient's gradient against where
 * each element comes from; once with static extents and once with every extent a name.
 */
async function expectTaken(
  shape: readonly number[],
  build: (x: Value) => Value,
  wanted: Taken,
  fill = 0,
): Promise<void> {
  const size = sizeOf(shape)
  const x = tensor(
    Float32Array.from({ length: size }, (_, i) => i + 1),
    shape,
  )
  const weights = wanted.from.map((_, i) => ((i * 7) % 11) - 5)
  for (const dims of [shape, shape.map((_, i): Dim => `d${i}`)]) {
    const g = graph()
    const input = g.input('x', 'float32', dims)
    const y = build(input)
    if (dims === shape) expect(y.shape).toEqual(wanted.shape)
    expect(y.shape).toHaveLength(wanted.shape.length)
    const w = tensor(weights, wanted.shape)
    const [dx] = gradients(ops.mul(ops.mul(y, y), w), [input])
    const [ddx] = gradients(dx!, [input])
    const {
      y: found,
      dx: first,
      ddx: second,
    } = await (await compile(g, { outputs: { y, dx: dx!, ddx: ddx! } })).run({ x })
    expect(found!.shape).toEqual(wanted.shape)
    expect(numbersOf(found!)).toEqual(wanted.from.map(i => (i < 0 ? fill : i + 1)))
    const slope = new Array<number>(size).fill(0)
    wanted.from.forEach((i, k) => {
      if (i >= 0) slope[i]! += 2 * weights[k]!
    })
    expect(first!.shape).toEqual(shape)
    expect(numbersOf(first!)).toEqual(slope.map((s, i) => s * (i + 1) + 0))
    expect(numbersOf(second!).map(v => v + 0)).toEqual(slope)
  }
}

const shapes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 })
const slices = shapes.chain(shape =>
  fc.record({
    shape: fc.constant(shape),
    cuts: fc
      .subarray(
        shape.map((_, i) => i),
        { minLength: 1 },
      )
      .chain(axes =>
        fc.tuple(
          ...axes.map(axis =>
            fc
              .record({
                axis: fc.constantFrom(axis, axis - shape.length),
                start: fc.oneof(fc.integer({ min: -8, max: 8 }), fc.constantFrom(2 ** 31 - 1, -(2 ** 31))),
                end: fc.oneof(fc.integer({ min: -8, max: 8 }), fc.constantFrom(2 ** 31 - 1, -(2 ** 31))),
                step: fc.constantFrom(1, 1, 2, 3, -1, -2),
              })
              // ONNX Runtime's kernel and its own shape inference disagree on the largest end with a negative step.
              .filter(({ end, step }) => step > 0 || end !== 2 ** 31 - 1),
          ),
        ),
      ),
  }),
)

describe('slice', () => {
  test('takes what numpy takes, and gives each element its gradient back, static or symbolic', async () => {
    await fc.assert(
      fc.asyncProperty(slices, async ({ shape, cuts }) => {
        const places = shape.map((extent, axis) => {
          const cut = cuts.find(c => (c.axis + shape.length) % shape.length === axis)
          return cut === undefined
            ? Array.from({ length: extent }, (_, i) => i)
            : slicePlaces(extent, cut.start, cut.end, cut.step)
        })
        const column = (key: 'start' | 'end' | 'axis' | 'step') => cuts.map(cut => cut[key])
        await expectTaken(
          shape,
          x => ops.slice(x, column('start'), column('end'), column('axis'), column('step')),
          takeAxes(shape, places),
        )
      }),
      { numRuns: 60, seed: 7 },
    )
  })

  test('bounds that are only known when the program runs have a gradient too', async () => {
    const g = graph()
    const x = g.input('x', 'float32', ['n', 3])
    const from = g.input('from', 'int64', [1])
    const to = g.input('to', 'int64', [1])
    const y = ops.slice(x, from, to, [0], [2])
    const [dx] = gradients(ops.mul(y, y), [x])
    const program = await compile(g, { outputs: { y, dx: dx! } })
    const out = await program.run({
      x: tensor(
        Float32Array.from({ length: 15 }, (_, i) => i),
        [5, 3],
      ),
      from: tensor(BigInt64Array.of(-4n), [1]),
      to: tensor(BigInt64Array.of(100n), [1]),
    })
    expect(numbersOf(out.y!)).toEqual([3, 4, 5, 9, 10, 11])
    expect(numbersOf(out.dx!)).toEqual([0, 0, 0, 6, 8, 10, 0, 0, 0, 18, 20, 22, 0, 0, 0])
  })

  test('all but the first and all but the last of an unknown extent have one shape', () => {
    const x = graph().input('x', 'float32', ['time', 2])
    const later = ops.slice(x, [1], [2 ** 31 - 1], [0])
    const earlier = ops.slice(x, [0], [-1], [0])
    expect(later.shape).toEqual(['(time-1)', 2])
    expect(earlier.shape).toEqual(later.shape)
  })

  test('cuts a shape that is known by name', () => {
    const x = graph().input('x', 'float32', ['batch', 3, 4])
    const dims = ops.slice(ops.shape(x), [-3], [2])
    expect(dims.content).toEqual(['batch', 3])
  })

  test('refuses a step of 0 and an axis that is not there', () => {
    const x = graph().input('x', 'float32', [4])
    expect(() => ops.slice(x, [0], [2], [0], [0])).toThrow(expect.objectContaining({ code: 'slice-step' }))
    expect(() => ops.slice(x, [0], [2], [1])).toThrow(expect.objectContaining({ code: 'axis-out-of-range' }))
  })
})

const pads = shapes.chain(shape =>
  fc.record({
    shape: fc.constant(shape),
    mode: fc.constantFrom('constant' as const, 'edge' as const, 'wrap' as const, 'reflect' as const),
    amounts: fc.tuple(
      ...shape.map(extent => fc.tuple(fc.integer({ min: -1, max: extent }), fc.integer({ min: 0, max: extent }))),
    ),
  }),
)

describe('pad', () => {
  test('adds and cuts as its mode says, and gives each element the gradient of all its copies', async () => {
    await fc.assert(
      fc.asyncProperty(pads, async ({ shape, mode, amounts }) => {
        // Copies of what is cut away differ between runtimes, and one element has no other to be reflected at.
        const usable = amounts.map(([before, after], i): [number, number] => {
          const most = mode === 'reflect' ? shape[i]! - 1 : mode === 'constant' ? 9 : shape[i]!
          const least = mode === 'constant' ? -1 : 0
          return [Math.min(Math.max(before, least), most), Math.min(after, most)]
        })
        const places = shape.map((extent, i) => padPlaces(extent, ...usable[i]!, mode))
        const given = [...usable.map(a => a[0]), ...usable.map(a => a[1])]
        const fill = mode === 'constant' ? 3 : 0
        const symbolicToo = takeAxes(shape, places)
        await expectTaken(shape, x => ops.pad(x, given, fill, { mode }), symbolicToo, fill)
      }),
      { numRuns: 40, seed: 3 },
    )
  })

  test('takes only the axes it is told', async () => {
    await expectTaken(
      [2, 3],
      x => ops.pad(x, [1, 2], null, [-1]),
      takeAxes([2, 3], [[0, 1], padPlaces(3, 1, 2, 'constant')]),
    )
  })

  test('refuses pads that are not two for each axis', () => {
    const x = graph().input('x', 'float32', [2, 3])
    expect(() => ops.pad(x, [1, 1, 1])).toThrow(expect.objectContaining({ code: 'pad-length' }))
  })
})
