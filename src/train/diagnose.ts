import { isFloat, isStatic, liveNodes, NumericError, sizeOf, type Tensor, type Value } from '../ir/index.js'
import { compile, type State } from '../runtime/index.js'
import type { StepTrace } from './step.js'

const firstBad = (t: Tensor): number => {
  for (let i = 0; i < t.data.length; i++) if (!Number.isFinite(Number(t.data[i]))) return i
  return -1
}

/**
 * Finds where a loss that is not finite comes from: the inputs, then every value of the step in the order in which it is
 * computed. Runs the step again with all of them as outputs, from the weights before it.
 */
export async function diagnose(
  step: StepTrace,
  feeds: Readonly<Record<string, Tensor>>,
  state: State,
  where: string,
): Promise<InstanceType<typeof NumericError>> {
  for (const [name, t] of Object.entries(feeds)) {
    const at = firstBad(t)
    if (at >= 0 && t.dtype.startsWith('float'))
      return new NumericError({
        code: 'not-finite',
        where: `${where}: data fed as ${name}, example ${Math.floor(at / (t.data.length / (t.shape[0] ?? 1)))} of the batch`,
        expected: 'finite numbers',
        received: Number(t.data[at]),
        hint: 'clean or fill the data: validate the data set before training',
      })
  }
  const values: Value[] = liveNodes([step.outputs.loss!])
    .flatMap(node => node.outputs.slice(0, 1))
    .filter(value => isFloat(value.dtype) && (!isStatic(value.shape) || sizeOf(value.shape) > 0))
  const outputs = Object.fromEntries(values.map((value, i) => [`probe${i}`, value]))
  const results = await (await compile(step.graph, { outputs, lowering: false })).run(
    Object.fromEntries(Object.entries(feeds).filter(([name]) => step.graph.inputs.some(input => input.name === name))),
    state,
    { ignoreUnknown: true },
  )
  for (const name of state.names) {
    const t = await state.read(name)
    if (t.dtype.startsWith('float') && firstBad(t) >= 0)
      return new NumericError({
        code: 'not-finite',
        where: `${where}: weight ${name}`,
        expected: 'finite numbers',
        received: Number(t.data[firstBad(t)]),
        hint: 'lower the learning rate or clip gradients',
      })
  }
  for (let i = 0; i < values.length; i++) {
    const at = firstBad(results[`probe${i}`]!)
    if (at >= 0)
      return new NumericError({
        code: 'not-finite',
        where: `${where}: first at ${values[i]!.name} (${values[i]!.node!.op})`,
        expected: 'finite numbers',
        received: Number(results[`probe${i}`]!.data[at]),
        hint: 'lower the learning rate, clip gradients (globalClipnorm), or scale the inputs',
      })
  }
  return new NumericError({
    code: 'not-finite',
    where,
    expected: 'a finite loss',
    received: 'NaN',
    hint: 'lower the learning rate or clip gradients',
  })
}
