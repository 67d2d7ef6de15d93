import { compile, gradients, graph, tensor } from '../src/graph.js'
import * as ops from '../src/ops/index.js'

/** The plain core: a Hessian-vector product, the gradient of a gradient, without any layer. */
export async function main(): Promise<{ product: number[] }> {
  const g = graph()
  const x = g.input('x', 'float32', [3])
  const v = g.input('v', 'float32', [3])
  // f(x) = Σ x³, so the Hessian is diag(6x).
  const f = ops.reduceSum(ops.mul(ops.mul(x, x), x), { keepdims: 0 })
  const [df] = gradients(f, [x])
  const [hv] = gradients(ops.reduceSum(ops.mul(df!, v), { keepdims: 0 }), [x])
  const program = await compile(g, { outputs: { hv: hv! } })
  const out = await program.run({ x: tensor([1, 2, 3]), v: tensor([1, 1, 0.5]) })
  return { product: Array.from(out.hv!.data as Float32Array) }
}

export const claim = ({ product }: Awaited<ReturnType<typeof main>>): boolean =>
  [6, 12, 9].every((want, i) => Math.abs(product[i]! - want) < 1e-4)
