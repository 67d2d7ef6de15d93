import { contentNumbers, type Graph, type Node, type Value } from '../graph.js'
import { copyNode, rewrite, type Traced } from '../rewrite.js'
import { isStatic, sameShape } from '../shape.js'
import { scalarOf } from '../tensor.js'

type Inputs = readonly (Value | null)[]

/**
 * Takes out nodes that return their input as it is, and joins transposes of transposes and reshapes of reshapes.
 * For graphs that are differentiated no more: stop-gradient marks go, too.
 */
export const removeIdentities = (traced: Traced): Traced =>
  rewrite(traced, (node, inputs, to) => {
    const [x] = inputs
    if (node.domain !== '' || x === null || x === undefined) return undefined
    const same = sameAs(node, inputs)
    return same === undefined ? merged(node, inputs, x, to) : [same]
  })

/** The input that a node returns unchanged. */
function sameAs(node: Node, inputs: Inputs): Value | undefined {
  const x = inputs[0]!
  const type = node.outputs[0]!
  switch (node.op) {
    case 'Identity':
      return x
    case 'Cast':
      return x.dtype === type.dtype ? x : undefined
    case 'Reshape':
    case 'Flatten':
    case 'Squeeze':
    case 'Unsqueeze':
      return keepsShape(x, type) ? x : undefined
    case 'Expand':
      return isStatic(x.shape) && sameShape(x.shape, type.shape) ? x : undefined
    case 'Slice': {
      const steps = inputs[4] ? contentNumbers(inputs[4]) : [1]
      const whole = isStatic(x.shape) && sameShape(x.shape, type.shape)
      return whole && steps?.every(step => step === 1) ? x : undefined
    }
    case 'Pad':
      return inputs[1] && contentNumbers(inputs[1])?.every(amount => amount === 0) ? x : undefined
    case 'Transpose':
      return permutation(node).every((axis, i) => axis === i) ? x : undefined
    case 'Concat':
    case 'Sum':
    case 'Mean':
    case 'Max':
    case 'Min':
      return inputs.length === 1 ? x : undefined
    case 'Add':
      return neutral(type, x, inputs[1], 0) ?? neutral(type, inputs[1], x, 0)
    case 'Sub':
      return neutral(type, x, inputs[1], 0)
    case 'Mul':
      return neutral(type, x, inputs[1], 1) ?? neutral(type, inputs[1], x, 1)
    case 'Div':
      return neutral(type, x, inputs[1], 1)
    default:
      return undefined
  }
}

/** Equal extents. One of them may be symbolic: the others and the number of elements decide it. */
const keepsShape = (x: Value, type: Value): boolean =>
  sameShape(x.shape, type.shape) &&
  x.shape.filter(dim => typeof dim === 'string').length <= 1 &&
  (isStatic(x.shape) || !x.shape.includes(0))

/** `x`, where `other` is a constant that changes neither its elements nor its shape. */
function neutral(type: Value, x: Value | null | undefined, other: Value | null | undefined, unit: 0 | 1) {
  const constant = other?.constant
  if (!x || !constant || constant.data.length !== 1 || !sameShape(x.shape, type.shape)) return undefined
  return constant.dtype !== 'string' && scalarOf(constant) === unit ? x : undefined
}

function merged(node: Node, inputs: Inputs, x: Value, to: Graph): readonly Value[] | undefined {
  const inner = x.node
  if (inner === null || inner.domain !== '') return undefined
  if (node.op === 'Transpose' && inner.op === 'Transpose') {
    const first = permutation(inner)
    const perm = permutation(node).map(axis => first[axis]!)
    if (perm.every((axis, i) => axis === i)) return [inner.inputs[0]!]
    return copyNode({ ...node, attrs: { ...node.attrs, perm } }, [inner.inputs[0]!], to).outputs
  }
  if (node.op === 'Reshape' && reshaping.has(inner.op)) {
    // A zero in the target would copy an extent of the value in between.
    const target = contentNumbers(inputs[1]!)
    if (target === undefined || target.includes(0)) return undefined
    let source = x
    while (source.node !== null && source.node.domain === '' && reshaping.has(source.node.op))
      source = source.node.inputs[0]!
    if (keepsShape(source, node.outputs[0]!)) return [source]
    return copyNode(node, [source, inputs[1]!], to).outputs
  }
  return undefined
}
const reshaping = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'])

const permutation = (node: Node): readonly number[] => {
  const rank = node.outputs[0]!.shape.length
  return (node.attrs.perm as readonly number[] | undefined) ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
}
