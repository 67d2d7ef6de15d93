import { liveNodes, type Node, type Traced, type Value } from '../../ir/index.js'

/** What lowerings ask of a graph. */

/** The node of ONNX's own `op` that computes `value`, if that is what does. */
export const madeBy = (value: Value | null | undefined, op: string): Node | undefined =>
  value?.node?.op === op && value.node.domain === '' ? value.node : undefined

/** Through reshapes to what holds the same elements in the same order. */
export const beneathReshapes = (value: Value): Value => {
  const node =
    madeBy(value, 'Reshape') ?? madeBy(value, 'Flatten') ?? madeBy(value, 'Unsqueeze') ?? madeBy(value, 'Squeeze')
  return node === undefined ? value : beneathReshapes(node.inputs[0]!)
}

/** How often each value is used, being asked for as an output included. */
export function uses({ outputs }: Traced): ReadonlyMap<Value, number> {
  const count = new Map<Value, number>()
  const use = (value: Value | null) => value !== null && count.set(value, (count.get(value) ?? 0) + 1)
  for (const node of liveNodes(Object.values(outputs))) node.inputs.forEach(use)
  Object.values(outputs).forEach(use)
  return count
}

export const isZero = (value: Value): boolean =>
  value.constant !== null && value.constant.data.length === 1 && Number(value.constant.data[0]) === 0
