import { encodeOnnx, Graph, numbersOf, tensor, type Value } from '../../ir/index.js'
import type { Engine } from '../device.js'
import { engineOf } from '../session.js'
import type { Target } from './index.js'

/** The domain of ONNX Runtime's blocked kernels: [batch, channels / b, height, width, b], under the shape of the plain tensor. */
export const BLOCKED = 'com.microsoft.nchwc'

// A memo: the answer is a property of the machine.
const sizes = new WeakMap<Engine, Promise<number>>()

/** How many channels lie side by side in a block on this machine (16 with AVX-512, else 8); 0 where there are no such kernels. */
export async function blockSize(target: Target): Promise<number> {
  const engine = await engineOf(target.device ?? 'cpu', target.threads)
  const known = sizes.get(engine) ?? probe(engine)
  sizes.set(engine, known)
  return known
}

/** Reorders numbered elements and looks where the second position of the first channel went. */
async function probe({ ort, turn }: Engine): Promise<number> {
  const channels = 64
  const graph = new Graph()
  const x = graph.input('x', 'float32', [1, channels, 1, 2])
  const y = reorderInput(x)
  try {
    const bytes = encodeOnnx(graph, { outputs: { y } })
    const session = await turn(() => ort.InferenceSession.create(bytes, { logSeverityLevel: 4, intraOpNumThreads: 1 }))
    const feed = Float32Array.from({ length: 2 * channels }, (_, i) => i)
    const result = await turn(() => session.run({ x: new ort.Tensor('float32', feed, [1, channels, 1, 2]) }))
    const order = numbersOf(tensor(result.y!.data as Float32Array))
    await session.release()
    const size = order.indexOf(1)
    // Anything but the layout described above is left alone.
    const expected = order.every((_, at) => {
      const [block, rest] = [Math.floor(at / (2 * size)), at % (2 * size)]
      return order[at] === 2 * (block * size + (rest % size)) + Math.floor(rest / size)
    })
    return size > 1 && expected ? size : 0
  } catch {
    return 0
  }
}

export const reorderInput = (x: Value): Value =>
  x.graph.node({ op: 'ReorderInput', domain: BLOCKED, inputs: [x], outputs: [{ dtype: x.dtype, shape: x.shape }] })
    .outputs[0]!

export function reorderOutput(x: Value, channelsLast = false): Value {
  const [batch, channels, ...spatial] = x.shape
  return x.graph.node({
    op: 'ReorderOutput',
    domain: BLOCKED,
    attrs: { channels: channels as number, ...(channelsLast ? { channels_last: 1 } : {}) },
    inputs: [x],
    outputs: [{ dtype: x.dtype, shape: channelsLast ? [batch!, ...spatial, channels!] : x.shape }],
  }).outputs[0]!
}
