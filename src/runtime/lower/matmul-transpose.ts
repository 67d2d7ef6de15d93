import { type Node, rewrite, type Value } from '../../ir/index.js'
import type { Lowering } from './index.js'
import { madeBy } from './pattern.js'

/**
 * MatMul and Gemm of a matrix whose last two axes were swapped read the matrix as it lies: nothing is transposed in memory. ONNX Runtime does the same at its optimization level 'extended', which costs more than it gives
 * where weights are inputs.
 */
export const matmulTranspose: Lowering = {
  name: 'matmul-transpose',
  applies: ({ device, native }) => device === 'cpu' && native === true,
  apply: traced =>
    rewrite(traced, (node, [A, B, C], to): readonly Value[] | undefined => {
      const product = node.op === 'MatMul' || node.op === 'Gemm'
      if (!product || node.domain !== '' || node.outputs[0]!.dtype !== 'float32') return undefined
      if (A!.shape.length < 2 || B!.shape.length < 2) return undefined
      const [a, b] = [beneath(A!), beneath(B!)]
      if (a.value === A && b.value === B) return undefined
      const flip = (now: unknown, turned: boolean) => (Number(now ?? 0) === 1) !== turned
      const [transA, transB] = [flip(node.attrs.transA, a.turned), flip(node.attrs.transB, b.turned)]
      const fused = node.op === 'MatMul' && (transA || transB)
      return to.node({
        op: fused ? 'FusedMatMul' : node.op,
        domain: fused ? 'com.microsoft' : '',
        name: node.name,
        attrs: {
          ...node.attrs,
          ...(fused || node.op === 'Gemm' ? { transA: Number(transA), transB: Number(transB) } : {}),
        },
        floatAttrs: node.floatAttrs,
        inputs: [a.value, b.value, ...(C ? [C] : [])],
        outputs: node.outputs,
        outputNames: [node.outputs[0]!.name],
      }).outputs
    }),
}

/** Beneath any transposes of the last two axes: what was transposed, and whether an odd number of times. */
function beneath(value: Value): { value: Value; turned: boolean } {
  let turned = false
  for (
    let node = madeBy(value, 'Transpose');
    node !== undefined && swapsLast(node);
    node = madeBy(value, 'Transpose')
  ) {
    value = node.inputs[0]!
    turned = !turned
  }
  return { value, turned }
}

function swapsLast(node: Node): boolean {
  const rank = node.inputs[0]!.shape.length
  const perm = (node.attrs.perm as readonly number[] | undefined) ?? node.inputs[0]!.shape.map((_, i) => rank - 1 - i)
  return rank >= 2 && perm.every((axis, i) => axis === (i < rank - 2 ? i : 2 * rank - 3 - i))
}
