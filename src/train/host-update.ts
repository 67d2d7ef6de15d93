import { ConfigError, type Tensor } from '../ir/index.js'
import type { Evaluation } from '../optim/optimizer.js'
import type { State } from '../runtime/index.js'
import type { Model } from './model.js'
import { gradientOf, type Step } from './step.js'

/**
 * An update made on the host, for optimizers that evaluate the loss of a batch as often as they need (line searches).
 * Weights are written to the state for each evaluation; whatever happens, the state ends with whole weights.
 */
export async function hostUpdate(
  model: Model,
  step: Step,
  feeds: Readonly<Record<string, Tensor>>,
  results: Readonly<Record<string, Tensor>>,
  state: State,
): Promise<void> {
  const { optimizer } = model.compiled
  const trainable = model.trainable
  const constrained = trainable.find(w => w.constraint)
  if (constrained !== undefined)
    throw new ConfigError({
      code: 'constraint-on-host',
      where: constrained.path,
      expected: `weights without constraints for ${optimizer.name}`,
      received: constrained.constraint,
      hint: 'a line search cannot know of a projection after it: use a regularizer, or an optimizer inside the graph',
    })
  const read = async (names: readonly string[]) => {
    const entries: [string, Tensor][] = []
    for (const name of names) entries.push([name, await state.read(name)])
    return Object.fromEntries(entries)
  }
  const parameters = await read(trainable.map(w => w.path))
  const slots = await read(optimizer.slots(trainable).map(slot => slot.name))
  // Updates of running statistics were made by the first run: they are not to move with each evaluation.
  const others = await read(step.program.updates)
  const evaluationOf = (out: Readonly<Record<string, Tensor>>): Evaluation => ({
    loss: Number(out.loss!.data[0]),
    gradients: Object.fromEntries(trainable.map(w => [w.path, out[gradientOf(w.path)]!.data as Float32Array])),
  })
  const write = (path: string, data: Float32Array) => state.write(path, { ...parameters[path]!, data })
  try {
    const next = await optimizer.host!({
      info: model.stepInfo,
      parameters,
      slots,
      first: evaluationOf(results),
      evaluate: async at => {
        for (const [path, data] of Object.entries(at)) write(path, data)
        return evaluationOf(await step.program.run(feeds, state))
      },
    })
    for (const [path, data] of Object.entries(next.parameters)) write(path, data)
    for (const [name, data] of Object.entries(next.slots)) state.write(name, { ...slots[name]!, data })
  } catch (error) {
    for (const [path, tensor] of Object.entries(parameters)) state.write(path, tensor)
    throw error
  } finally {
    for (const [name, tensor] of Object.entries(others)) state.write(name, tensor)
  }
}
