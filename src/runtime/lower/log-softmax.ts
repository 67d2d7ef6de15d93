import { rewrite, type Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import type { Lowering } from './index.js'

/**
 * LogSoftmax by its definition, x − max − log Σ exp(x − max): ONNX Runtime has no kernel for it on WebGPU, and what runs
 * beside the GPU waits for it and brings everything across at each step.
 */
export const logSoftmaxByParts: Lowering = {
  name: 'log-softmax-by-parts',
  applies: ({ device }) => device === 'webgpu',
  apply: traced =>
    rewrite(traced, (node, inputs): readonly Value[] | undefined => {
      if (node.op !== 'LogSoftmax' || node.domain !== '') return undefined
      const x = inputs[0]!
      const axes = [Number(node.attrs.axis ?? -1)]
      const centred = ops.sub(x, ops.reduceMax(x, axes))
      return [ops.sub(centred, ops.log(ops.reduceSum(ops.exp(centred), axes)))]
    }),
}
