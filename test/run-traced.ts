import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { encodeOnnx, liveNodes, numbersOf, type Tensor, type Traced } from '../src/ir/index.js'

/** What ONNX Runtime makes of a graph as it stands, without any pass of ours or its own. */
export async function runTraced(
  { graph, outputs }: Traced,
  feeds: Readonly<Record<string, Tensor>> = {},
): Promise<Record<string, { shape: readonly number[]; numbers: number[] }>> {
  const bytes = encodeOnnx(graph, { outputs })
  const session = await InferenceSession.create(bytes, { graphOptimizationLevel: 'disabled', logSeverityLevel: 4 })
  const given = session.inputNames.map(name => {
    const { dtype, data, shape } = feeds[name]!
    return [name, new OrtTensor(dtype as 'float32', data as Float32Array, shape)]
  })
  const results = await session.run(Object.fromEntries(given))
  return Object.fromEntries(
    session.outputNames.map(name => {
      const { dims, data } = results[name]!
      return [name, { shape: dims, numbers: numbersOf({ dtype: 'float32', shape: dims, data: data as Float32Array }) }]
    }),
  )
}

/** The operators a graph needs for its outputs, sorted. */
export const operatorsOf = ({ outputs }: Traced): string[] =>
  liveNodes(Object.values(outputs))
    .map(node => node.op)
    .sort()
