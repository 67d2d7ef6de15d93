import { encodeOnnx, RuntimeError, type Tensor, type TensorData, type Traced } from '../ir/index.js'
import { commonSubexpressions, foldConstants, removeIdentities } from '../ir/passes/index.js'
import type { DeviceOptions } from './device.js'
import { engineOf } from './session.js'

/**
 * The passes every program goes through: constants folded, nodes that do nothing removed, everything computed once.
 * Results stay as they are, to rounding; the graph given is left alone.
 */
export async function optimize(traced: Traced, options: DeviceOptions = {}): Promise<Traced> {
  const folded = await foldConstants(traced, constant => evaluate(constant, options))
  return commonSubexpressions(removeIdentities(folded))
}

/** Runs a graph without inputs once, on the host. */
async function evaluate({ graph, outputs }: Traced, options: DeviceOptions): Promise<Record<string, Tensor>> {
  const { ort, turn, providers } = await engineOf(options.device ?? 'cpu', options.threads)
  const bytes = encodeOnnx(graph, { outputs })
  // Not kept like other sessions: it runs once.
  const session = await turn(() =>
    ort.InferenceSession.create(bytes, {
      executionProviders: providers.slice(-1), // the processor, which every engine has beside its device
      graphOptimizationLevel: 'disabled',
      logSeverityLevel: 3,
      intraOpNumThreads: 1,
    }),
  ).catch((cause: unknown) => {
    const received = cause instanceof Error ? cause.message : String(cause)
    throw new RuntimeError({ code: 'constants', expected: 'constants ONNX Runtime can compute', received, cause })
  })
  try {
    const results = await turn(() => session.run({}))
    return Object.fromEntries(
      Object.entries(results).map(([name, { type, dims, data }]) => {
        // Types of the runtime's tensors bear ONNX's names, as ours do.
        return [name, { dtype: type as Tensor['dtype'], shape: dims, data: data as TensorData }]
      }),
    )
  } finally {
    await session.release()
  }
}
