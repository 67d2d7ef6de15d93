import type { Node, Value } from '../../ir/index.js'
import * as ops from '../../ops/index.js'

/** Which convolutions have blocked kernels, and how these want their weights to lie. */

export interface BlockedKernel {
  /** Channels lie plain: there are fewer than a block of them. */
  readonly plainInput: boolean
  readonly attrs: Node['attrs']
  /** Rearranges the weights, given in the new graph. */
  readonly weights: (W: Value) => Value
}

const isOne = (list: unknown): boolean => ((list as readonly number[] | undefined) ?? []).every(n => n === 1)
const isNone = (list: unknown): boolean => ((list as readonly number[] | undefined) ?? []).every(n => n === 0)

/** The kernel for a Conv or ConvTranspose node; undefined where there is none, or none that is faster. */
export function blockedKernel(node: Node, block: number, threads: number | undefined): BlockedKernel | undefined {
  const W = node.inputs[1]
  if (node.domain !== '' || node.outputs[0]!.dtype !== 'float32' || W?.shape.length !== 4) return undefined
  const shape = W.shape
  if (!shape.every(dim => typeof dim === 'number')) return undefined
  const sizes = shape as readonly [number, number, number, number]
  // One product per position is what the plain kernel is best at.
  if (sizes[2] * sizes[3] === 1) return undefined
  if (node.op === 'Conv') return forward(node, sizes, block)
  // ConvTranspose's own kernel uses one thread for half of its work.
  return node.op === 'ConvTranspose' && threads !== 1 ? turned(node, sizes, block) : undefined
}

function forward(
  node: Node,
  shape: readonly [number, number, number, number],
  block: number,
): BlockedKernel | undefined {
  const [outputs, inputs, high, wide] = shape
  const group = Number(node.attrs.group ?? 1)
  if (outputs % block !== 0) return undefined
  const channelwise = inputs === 1 && group === outputs && group > 1
  if (channelwise || (group === 1 && inputs < block))
    return {
      plainInput: !channelwise,
      attrs: node.attrs,
      weights: W => {
        const split = ops.reshape(W, [outputs / block, block, inputs, high, wide])
        return ops.reshape(ops.transpose(split, { perm: [0, 2, 3, 4, 1] }), [...shape])
      },
    }
  if (inputs % block !== 0 || (outputs / group) % block !== 0) return undefined
  return {
    plainInput: false,
    attrs: node.attrs,
    weights: W => {
      const split = ops.reshape(W, [outputs / block, block, inputs / block, block, high, wide])
      return ops.reshape(ops.transpose(split, { perm: [0, 2, 4, 5, 3, 1] }), [...shape])
    },
  }
}

/** ConvTranspose without strides is Conv with the weights turned round. */
function turned(
  node: Node,
  shape: readonly [number, number, number, number],
  block: number,
): BlockedKernel | undefined {
  const [inputs, outputs, high, wide] = shape
  const { strides, dilations, pads, output_padding, output_shape, group, auto_pad } = node.attrs
  const plain = isOne(strides) && isNone(output_padding) && output_shape === undefined && Number(group ?? 1) === 1
  if (!plain || (auto_pad ?? 'NOTSET') !== 'NOTSET' || inputs % block !== 0 || outputs % block !== 0) return undefined
  const apart = (dilations as readonly number[] | undefined) ?? [1, 1]
  const around = (pads as readonly number[] | undefined) ?? [0, 0, 0, 0]
  const reach = [apart[0]! * (high - 1), apart[1]! * (wide - 1)]
  const back = around.map((p, i) => reach[i % 2]! - p)
  if (back.some(p => p < 0)) return undefined
  return {
    plainInput: false,
    attrs: { dilations: apart, pads: back, strides: [1, 1], group: 1 },
    weights: W => {
      const reversed = ops.slice(W, [-1, -1], [-(2 ** 31), -(2 ** 31)], [2, 3], [-1, -1])
      const split = ops.reshape(reversed, [inputs / block, block, outputs / block, block, high, wide])
      return ops.reshape(ops.transpose(split, { perm: [2, 0, 4, 5, 1, 3] }), [outputs, inputs, high, wide])
    },
  }
}
