import { Graph, isStatic, type Node, rewrite, type Shape, sizeOf, tensor, type Value } from '../../ir/index.js'
import { applyOp } from '../../ops/define.js'
import * as ops from '../../ops/index.js'
import type { Lowering } from './index.js'
import { madeBy } from './pattern.js'

/** What a core's second-level cache holds, in numbers: measured flat from 150,000 to 1,200,000 on 1.25 MiB. */
const CACHE = 300_000

/**
 * The gradient of a convolution's kernel, a sum over examples, in parts of few examples, one after the other: what is
 * copied for one kernel offset is still in the core's own cache when it is multiplied. A third faster on large batches.
 */
export const kernelGradient: Lowering = {
  name: 'kernel-gradient',
  applies: ({ device, native }) => device === 'cpu' && native === true,
  apply: (traced, { threads = 2 }) =>
    rewrite(traced, (node, inputs): readonly Value[] | undefined => {
      if (node.op !== 'Concat' || node.domain !== '' || node.attrs.axis !== 0) return undefined
      const sum = offsetsOf(inputs as readonly Value[])
      const shares = sum && sharesOf(sum, threads)
      return shares === undefined ? undefined : [inParts(sum!, shares, node.name)]
    }),
}

/** Products of the output's gradient with one view of the input for each kernel offset, [offset][O · I]. */
interface OffsetSum {
  /** [batch, O, …] */
  readonly g: Value
  /** [batch, …, I], padded. */
  readonly last: Value
  /** What cuts each view out of the input with its channels last; null where it is the whole. */
  readonly views: readonly (Node | null)[]
}

/** The sum that a list of products makes up, if each is reshape(rows × reshape(view)) of one g and one x. */
function offsetsOf(products: readonly Value[]): OffsetSum | undefined {
  let rows: Value | undefined
  let last: Value | undefined
  const views: (Node | null)[] = []
  for (const product of products) {
    const [left, right] = madeBy(madeBy(product, 'Reshape')?.inputs[0], 'MatMul')?.inputs ?? []
    const view = madeBy(right, 'Reshape')?.inputs[0]
    if (!left || !view) return undefined
    const cut = madeBy(view, 'Slice')
    const whole = cut === undefined ? view : cut.inputs[0]!
    if ((rows !== undefined && rows !== left) || (last !== undefined && last !== whole)) return undefined
    rows = left
    last = whole
    if (cut?.inputs.slice(1).some(input => input !== null && input.constant === null)) return undefined
    views.push(cut ?? null)
  }
  const g = turnedFrom(madeBy(rows, 'Reshape')?.inputs[0], rank => [1, 0, ...axes(2, rank)])
  if (!g || !last || !isStatic(g.shape) || !isStatic(last.shape) || g.shape[0] !== last.shape[0]) return undefined
  return views.length > 1 ? { g, last, views } : undefined
}

const axes = (from: number, rank: number): number[] => Array.from({ length: rank - from }, (_, i) => from + i)

function turnedFrom(value: Value | null | undefined, perm: (rank: number) => number[]): Value | undefined {
  const node = madeBy(value, 'Transpose')
  const given = node?.attrs.perm as readonly number[] | undefined
  return given !== undefined && given.join() === perm(given.length).join() ? node!.inputs[0]! : undefined
}

interface Shares {
  /** Products of one part that run side by side: a product this long and thin is not divided among threads well. */
  readonly groups: number
  /** Examples in each. */
  readonly examples: number
}

/** Shares that divide the batch evenly; undefined where parts would not pay: little data, or sums as large as their terms. */
function sharesOf({ g, last }: OffsetSum, threads: number): Shares | undefined {
  const [batch, outputs] = [Number(g.shape[0]), Number(g.shape[1])]
  const positions = sizeOf(g.shape.slice(2))
  const numbers = (sizeOf(last.shape) + sizeOf(g.shape)) / batch + positions * Number(last.shape.at(-1))
  if (numbers * batch < 4 * CACHE) return undefined
  const least = Math.max(1, Math.ceil((4 * outputs) / positions))
  const most = Math.max(Math.floor(CACHE / numbers), least)
  for (let groups = Math.min(threads, 8); groups >= 1; groups--)
    for (let examples = most; examples >= least; examples--)
      if (batch % (groups * examples) === 0 && 2 * groups * examples <= batch) return { groups, examples }
  return undefined
}

/** The sums over parts of the batch, added up by a Scan over the parts. */
function inParts({ g, last, views }: OffsetSum, { groups, examples }: Shares, name: string): Value {
  const { graph } = g
  const [batch, outputs, inputs] = [Number(g.shape[0]), Number(g.shape[1]), Number(last.shape.at(-1))]
  const size = groups * examples
  const sums = [views.length, groups, outputs * inputs]
  const body = new Graph(graph)
  const within = (port: string, shape: Shape) => body.input(`${name}/part/${port}`, g.dtype, shape)
  const total = within('sum', sums)
  const partOfG = within('g', [size, ...g.shape.slice(1)])
  const partOfX = within('x', [size, ...last.shape.slice(1)])
  const next = body.scope(`${name}/part`, () => {
    const apart = ops.reshape(partOfG, [groups, examples, outputs, -1])
    const rows = ops.reshape(ops.transpose(apart, { perm: [0, 2, 1, 3] }), [groups, outputs, -1])
    const products = views.map(cut => {
      const taken = cut?.inputs.slice(1).map(input => input && body.constant(input.constant!)) ?? []
      const view = cut === null ? partOfX : applyOp(ops.slice.record, body, [partOfX, ...taken]).outputs[0]!
      return ops.reshape(ops.matMul(rows, ops.reshape(view, [groups, -1, inputs])), [1, groups, outputs * inputs])
    })
    return ops.add(total, ops.concat(products, { axis: 0 }))
  })
  body.results.push({ name: `${name}/part/next`, value: next })
  const split = (value: Value) => ops.reshape(value, [batch / size, size, ...(value.shape.slice(1) as number[])])
  const zeros = ops.constantOfShape(graph.constant(tensor(BigInt64Array.from(sums, BigInt))), {
    value: tensor([0], [1], g.dtype),
  })
  const scan = graph.node({
    op: 'Scan',
    attrs: { body, num_scan_inputs: 2 },
    inputs: [zeros, split(g), split(last)],
    outputs: [{ dtype: g.dtype, shape: sums }],
  })
  return ops.reduceSum(scan.outputs[0]!, [1], { keepdims: 0 })
}
