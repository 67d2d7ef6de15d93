import { Graph, type Node } from '../graph.js'

/** Operators that give other numbers each time they run. Dropout is one in training, and whether it is may be an input. */
const random = new Set([
  'Bernoulli',
  'Dropout',
  'Multinomial',
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
])

/** Whether equal inputs always give equal outputs. What stands in bodies is not looked into. */
export const isDeterministic = (node: Node): boolean =>
  !random.has(node.op) && !Object.values(node.attrs).some(attr => attr instanceof Graph)
