import { isStatic, type Node, type Shape, sizeOf, type Value } from '../../ir/index.js'

/**
 * Whether a blocked convolution pays for the reordering around it. Figures in nanoseconds for one output element, one
 * thread, measured over 16 shapes from LeNet to ResNet on AVX-512; where they err they keep the plain kernel.
 */

const PER_OPERATION = 0.0045
const DEPTHWISE = 2.5
const BASE = 0.5
const FUSED_RELU = 0.6
const REORDER_INPUT = 0.8
const REORDER_OUTPUT = 0.92
const REORDER_WEIGHTS = 2.5

/** What is not known until the program runs is taken to be this large. */
const UNKNOWN = 32

const elements = (shape: Shape): number => sizeOf(shape.map(dim => (typeof dim === 'number' ? dim : UNKNOWN)))

export interface Surroundings {
  readonly inputReordered: boolean
  readonly outputReordered: boolean
  readonly reluFollows: boolean
}

export function isWorthBlocking(node: Node, { inputReordered, outputReordered, reluFollows }: Surroundings): boolean {
  const [X, W] = node.inputs as [Value, Value]
  const output = elements(node.outputs[0]!.shape)
  const turned = node.op === 'ConvTranspose'
  // Products for each output element: inputs of its group times window.
  const inputs = turned ? Number(W.shape[0]) : Number(W.shape[1])
  const window = isStatic(W.shape) ? sizeOf(W.shape.slice(2)) : 1
  const depthwise = inputs === 1 && Number(node.attrs.group ?? 1) > 1
  const gain = (depthwise ? DEPTHWISE : BASE + PER_OPERATION * 2 * inputs * window) + (reluFollows ? FUSED_RELU : 0)
  // Constant weights are rearranged once; turned ones are copied twice.
  const weights = W.constant !== null ? 0 : (REORDER_WEIGHTS * (turned ? 2 : 1) * elements(W.shape)) / output
  const input = inputReordered ? (REORDER_INPUT * elements(X.shape)) / output : 0
  return gain > weights + input + (outputReordered ? REORDER_OUTPUT : 0)
}
