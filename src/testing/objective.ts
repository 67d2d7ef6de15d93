import type { Tensor, Value } from '../ir/index.js'
import * as ops from '../ops/index.js'
import type { Objective } from '../optim/minimizer.js'
import { type Figure, figureTensor, readFigures } from './figures.js'

/**
 * A loss of parameters of every kind and where to begin, as src/optim/figures/objective.py has them; the numbers are in
 * the file of figures given. A valley for the vector, a least-squares fit for the dense kernel, bowls for the others.
 */
export function mixedObjective(url: URL): { start: Readonly<Record<string, Tensor>>; objective: Objective } {
  const { start: from, data } = readFigures<{
    start: Record<string, Figure>
    data: Record<'x' | 'y' | 'scaleE' | 'scaleC', Figure>
  }>(url)
  const start = Object.fromEntries(Object.entries(from).map(([path, figure]) => [path, figureTensor(figure)]))
  const objective: Objective = p => {
    const [a, kernel, embeddings, conv] = Object.keys(start).map(path => p[path]!) as [Value, Value, Value, Value]
    const known = (name: keyof typeof data) => a.graph.constant(figureTensor(data[name]))
    const sum = (x: Value) => ops.reduceSum(x, { keepdims: 0 })
    const [a0, a1] = [ops.slice(a, [0], [1], [0]), ops.slice(a, [1], [2], [0])]
    const off = ops.sub(a1, ops.square(a0))
    const valley = ops.add(ops.square(ops.sub(a0, 1)), ops.mul(ops.square(off), 5))
    const fit = ops.square(ops.sub(ops.matMul(known('x'), kernel), known('y')))
    const bowl = ops.mul(known('scaleE'), ops.square(embeddings))
    const far = ops.mul(known('scaleC'), ops.square(ops.sub(conv, 1)))
    return ops.sum([sum(valley), ops.mul(sum(fit), 0.1), ops.mul(sum(bowl), 0.5), ops.mul(sum(far), 0.5)])
  }
  return { start, objective }
}
