import { type Node, rewrite, type Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import type { Lowering } from './index.js'
import { beneathReshapes, isZero, madeBy, uses } from './pattern.js'

/**
 * The gradient through MaxPool(Relu(x)): Relu's gate, laid on every element after the pool's gradient was spread, is laid
 * on the pool's own output before it is. The gradient arrives only at elements that equal the largest of their window,
 * and those are positive just where the largest is: every number stays the same, at the cost of the smaller tensor.
 */
export const pooledRelu: Lowering = {
  name: 'pooled-relu',
  applies: ({ device, native }) => device === 'cpu' && native === true,
  apply: traced => {
    const count = uses(traced)
    return rewrite(traced, (node, inputs): readonly Value[] | undefined => {
      if (node.op !== 'Mul' || node.domain !== '') return undefined
      for (const [gradient, gate] of [inputs, [...inputs].reverse()]) {
        const x = gated(gate!)
        if (x === undefined || count.get(node.inputs[inputs.indexOf(gradient!)]!) !== 1) continue
        const moved = spreadTiles(gradient!, x) ?? spreadIndices(gradient!, x)
        if (moved !== undefined) return [moved]
      }
      return undefined
    })
  },
}

/** x of Cast(x > 0) to a float, where x is never negative. */
function gated(gate: Value): Value | undefined {
  const test = madeBy(madeBy(gate, 'Cast')?.inputs[0], 'Greater')
  const [x, bound] = test?.inputs ?? []
  return x && bound && isZero(bound) && madeBy(x, 'Relu') !== undefined ? x : undefined
}

const gate = (g: Value, largest: Value): Value => ops.mul(g, ops.cast(ops.greater(largest, 0), { to: g.dtype }))

/** Marks times the gradient repeated over tiles, with the marks drawn from x and its MaxPool. */
function spreadTiles(gradient: Value, x: Value): Value | undefined {
  const product = madeBy(gradient, 'Mul')
  const [marks, repeated] = [product?.inputs[0], madeBy(product?.inputs[1], 'Resize')]
  if (!marks || repeated === undefined) return undefined
  const pool = poolOfMarks(marks, x)
  return pool === undefined ? undefined : ops.mul(marks, again(repeated, gate(repeated.inputs[0]!, pool)))
}

/** The MaxPool of `x` whose places `marks` marks: 0 wherever x is not the largest of its tile. */
function poolOfMarks(marks: Value, x: Value): Value | undefined {
  const matrix = madeBy(madeBy(beneathReshapes(marks), 'Relu')?.inputs[0], 'MatMul')
  const equal = madeBy(madeBy(matrix && beneathReshapes(matrix.inputs[0]!), 'Cast')?.inputs[0], 'Equal')
  const pool = madeBy(madeBy(equal?.inputs[1], 'Resize')?.inputs[0], 'MaxPool')
  // The whole of x, not a part cut out of it; the matrix takes marks away and gives none.
  return equal?.inputs[0] === x && pool?.inputs[0] === x && takesAway(matrix!.inputs[1]!) ? pool.outputs[0] : undefined
}

function takesAway(matrix: Value): boolean {
  if (matrix.constant === null) return false
  const { shape, data } = matrix.constant
  const width = shape[1]!
  for (let i = 0; i < data.length; i++) {
    const own = i % width === Math.floor(i / width)
    if (own ? Number(data[i]) !== 1 : Number(data[i]) > 0) return false
  }
  return true
}

/** The gradient put where MaxPool says its largest elements are. */
function spreadIndices(gradient: Value, x: Value): Value | undefined {
  const put = madeBy(beneathReshapes(gradient), 'ScatterElements')
  if (put === undefined) return undefined
  const [zeros, indices, g] = put.inputs.map(input => (input === null ? undefined : beneathReshapes(input)))
  const pool = madeBy(indices, 'MaxPool')
  const empty = zeros && (zeros.constant?.data.every(v => Number(v) === 0) ?? isEmpty(zeros))
  if (!pool || !g || !empty || pool.inputs[0] !== x || indices !== pool.outputs[1]) return undefined
  const gatedGradient = ops.reshape(gate(g, pool.outputs[0]!), ops.shape(put.inputs[2]!))
  const scattered = again(put, put.inputs[0]!, put.inputs[1]!, gatedGradient)
  return ops.reshape(scattered, ops.shape(gradient))
}

const isEmpty = (value: Value): boolean => {
  const node = madeBy(value, 'ConstantOfShape')
  const fill = node?.attrs.value
  return node !== undefined && (fill === undefined || Number((fill as { data: ArrayLike<number> }).data[0]) === 0)
}

/** The same node with other first inputs. */
const again = (node: Node, ...inputs: readonly Value[]): Value =>
  inputs[0]!.graph.node({
    op: node.op,
    attrs: node.attrs,
    floatAttrs: node.floatAttrs,
    inputs: [...inputs, ...node.inputs.slice(inputs.length)],
    outputs: node.outputs,
  }).outputs[0]!
