import { parseArgs } from 'node:util'
import { layers, losses, optimizers, sequential, tensor } from '../src/index.js'
import { initialValue, stepInfo } from '../src/optim/optimizer.js'
import { compile, createState } from '../src/runtime/index.js'
import { lowerings } from '../src/runtime/lower/index.js'
import { resolveCompile } from '../src/train/config.js'
import { stepFeeds, traceStep } from '../src/train/step.js'
import { columns, machine, median, minimum } from './harness.js'

/** What does a step cost with its update as a kernel in place, and as nodes of the graph? Dense networks, Adam, by size. */
const WIDTHS: readonly (readonly number[])[] = [
  [16, 32, 16, 2],
  [784, 120, 60, 10],
  [784, 512, 512, 10],
  [784, 2600, 3400, 10],
]
const { values } = parseArgs({
  options: {
    threads: { type: 'string', default: '1' },
    batch: { type: 'string', default: '16' },
    seconds: { type: 'string', default: '4' },
    clip: { type: 'boolean', default: false },
  },
})
const [threads, batch, seconds] = [values.threads, values.batch, values.seconds].map(Number) as [number, number, number]
if (!(threads >= 1 && batch >= 1 && seconds > 0)) {
  console.log('tsx bench/fused-update.ts [--threads 1] [--batch 16] [--seconds 4] [--clip]')
  process.exit(1)
}

console.log(
  `${machine()}\n\nms per step · ${threads} threads, batch ${batch}${values.clip ? ', clipped by global norm' : ''}`,
)
const lines = [['parameters', 'kernel', 'its min', 'graph', 'its min', 'ratio of mins', '']]
for (const widths of WIDTHS) {
  const { parameters, step } = await setup(widths)
  const variants = [
    { step: await step(true), times: [] as number[] },
    { step: await step(lowerings.map(lowering => lowering.name)), times: [] as number[] },
  ]
  for (const variant of variants) for (let i = 0; i < 10; i++) await variant.step()
  for (const end = performance.now() + seconds * 1000; performance.now() < end; )
    for (const variant of variants)
      for (let i = 0; i < 5; i++) {
        const start = performance.now()
        await variant.step()
        if (i > 0) variant.times.push(performance.now() - start)
      }
  const [kernel, graph] = variants.map(({ times }) => [median(times), minimum(times)] as const)
  lines.push([
    String(parameters),
    ...[...kernel!, ...graph!].map(ms => ms.toFixed(3)),
    (graph![1] / kernel![1]).toFixed(2),
    '',
  ])
}
console.log(columns(lines))

/** A network and its training step, with all lowerings or those named, each with a state of its own. */
async function setup([inputs, ...units]: readonly number[]) {
  const model = sequential(
    units.map((n, i) =>
      layers.dense({
        units: n,
        ...(i === 0 ? { inputShape: [inputs!] } : {}),
        activation: i < units.length - 1 ? 'relu' : 'linear',
      }),
    ),
  )
  const net = model.network
  const compiled = resolveCompile(net, {
    optimizer: optimizers.adam(values.clip ? { globalClipnorm: 1 } : {}),
    loss: losses.sparseCategoricalCrossentropy({ fromLogits: true }),
  })
  const [x, y] = [net.inputs[0]!.name, net.outputs[0]!.name]
  const signature = {
    x: { [x]: { dtype: 'float32', shape: [batch, inputs!] } },
    y: { [y]: { dtype: 'int32', shape: [batch] } },
    weights: {},
  } as const
  const data = {
    [x]: tensor(
      Float32Array.from({ length: batch * inputs! }, (_, i) => Math.sin(i)),
      [batch, inputs!],
    ),
    [`target/${y}`]: tensor(new Int32Array(batch), [batch]),
  }
  const weights = await model.weights()
  const step = async (lowering: boolean | readonly string[]) => {
    const { graph, ...rest } = traceStep(net, compiled, signature, { phase: 'update' })
    const program = await compile(graph, { ...rest, lowering, threads })
    const state = await createState({ threads })
    for (const [path, value] of Object.entries(weights)) state.write(path, value)
    for (const slot of compiled.optimizer.slots(net.weights))
      state.write(slot.name, initialValue(slot, weights[slot.parameter]!))
    let count = 0
    return async () => {
      const scalars = stepFeeds({ ...rest, program }, stepInfo(compiled.optimizer, count++), 0)
      await program.run({ ...data, ...scalars }, state, { ignoreUnknown: true })
    }
  }
  return { parameters: model.countParams(), step }
}
