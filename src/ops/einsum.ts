import { type Dim, GraphError, type Shape, ShapeError, sizeOf, tensor, type Value } from '../ir/index.js'
import { defineOp, string } from './define.js'
import { dimsVector, expandLike, extentOf } from './dims.js'
import { squaredNorms } from './example-norms.js'
import { sameDtype } from './infer.js'
import { mul } from './math.js'
import { normal } from './sample.js'
import { eyeLike } from './select.js'
import { constantOfShape, unsqueeze } from './shape.js'

/** Einstein summation. Gradients are Einstein sums with the operands' and the output's letters exchanged. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** An equation with its ellipses written out: one string of letters for each operand and for the output. */
export interface Equation {
  readonly terms: readonly string[]
  readonly output: string
  /** The letters that stand for axes under an ellipsis, where extents of 1 broadcast. */
  readonly spread: string
}

/** Reads an equation for operands of these ranks. Without `->` the output is what occurs once, in alphabetical order. */
export function parseEquation(equation: string, ranks: readonly number[], where: string): Equation {
  const fail = (expected: string): never => {
    throw new GraphError({ code: 'einsum-equation', where, expected, received: equation })
  }
  const [left, right, ...more] = equation.replaceAll(' ', '').split('->')
  if (more.length > 0) fail('one ->')
  const terms = left!.split(',')
  if (terms.length !== ranks.length) fail(`${ranks.length} operands, as given`)
  for (const term of [...terms, right ?? ''])
    if (!/^[A-Za-z]*(\.\.\.)?[A-Za-z]*$/.test(term)) fail('letters, and at most one ... in each term')
  const wide = terms.map((term, i) => (term.includes('...') ? ranks[i]! - (term.length - 3) : 0))
  terms.forEach((term, i) => {
    if (wide[i]! < 0 || (!term.includes('...') && term.length !== ranks[i]))
      fail(`${ranks[i]} letters for operand ${i}`)
  })
  if (new Set(wide.filter((_, i) => terms[i]!.includes('...'))).size > 1) fail('as many axes under ... in each operand')
  const free = [...ALPHABET].filter(letter => !equation.includes(letter))
  const most = Math.max(0, ...wide)
  if (most > free.length) fail(`at most ${free.length} axes under ...`)
  const spread = free.slice(0, most).join('')
  const explicit = terms.map(term => term.replace('...', spread))
  if (right === undefined) {
    const letters = [...new Set(explicit.join(''))].filter(letter => !spread.includes(letter)).sort()
    const once = letters.filter(letter => left!.indexOf(letter) === left!.lastIndexOf(letter))
    return { terms: explicit, output: spread + once.join(''), spread }
  }
  const output = right.replace('...', spread)
  if (new Set(output).size !== output.length) fail('an output without repeated letters')
  for (const letter of output) if (!explicit.some(term => term.includes(letter))) fail(`${letter} in an operand`)
  return { terms: explicit, output, spread }
}

const write = ({ terms, output }: Omit<Equation, 'spread'>): string => `${terms.join(',')}->${output}`

/**
 * The extent of each letter. Under an ellipsis 1 gives way to others; for a letter of the equation only where the longer
 * extent comes first, since the runtime takes its shape from there.
 */
function extents({ terms, spread }: Equation, shapes: readonly Shape[], where: string): Map<string, Dim> {
  const found = new Map<string, Dim>()
  const axes = terms.flatMap((term, i) => [...term].map((letter, axis) => ({ letter, dim: shapes[i]![axis]! })))
  for (const { letter, dim } of axes) {
    const known = found.get(letter)
    const gives = known === 1 && spread.includes(letter)
    if (known === undefined || gives || (typeof known === 'string' && dim !== 1)) found.set(letter, dim)
    else if (typeof known === 'number' && typeof dim === 'number' && dim !== 1 && dim !== known)
      throw new ShapeError({
        code: 'einsum-extent',
        where,
        expected: `one extent for ${letter}`,
        received: [known, dim],
        ...(known === 1 ? { hint: 'put the operand with the longer extent first, or write the axis as ...' } : {}),
      })
  }
  return found
}

/** The gradient of operand `position`, from factors whose letters are `given` (the output's and the other operands'). */
function operandGradient(given: readonly { value: Value; term: string }[], operand: Value, term: string): Value {
  const present = new Set(given.flatMap(({ term }) => [...term]))
  const distinct = [...new Set(term)]
  const target = distinct.filter(letter => present.has(letter)).join('')
  const alone = given.length === 1 && given[0]!.term === target
  const sum = alone
    ? given[0]!.value
    : einsum(
        given.map(({ value }) => value),
        { equation: write({ terms: given.map(({ term }) => term), output: target }) },
      )
  // Letters summed away on the spot come back as axes of extent 1, and repeated ones as a diagonal.
  const missing = [...term].flatMap((letter, axis) =>
    term.indexOf(letter) < axis || !present.has(letter) ? [axis] : [],
  )
  let out = missing.length === 0 ? sum : unsqueeze(sum, missing)
  for (const axis of missing) {
    const first = term.indexOf(term[axis]!)
    if (first < axis) out = mul(out, diagonal(operand, first, axis))
  }
  const whole = out.shape.length === operand.shape.length && out.shape.every((dim, i) => dim === operand.shape[i])
  return whole ? out : expandLike(out, operand)
}

/** Ones where the coordinates on two axes of `like` agree, of extent 1 on all other axes. */
function diagonal(like: Value, first: number, second: number): Value {
  const size = typeof like.shape[first] === 'number' ? like.shape[first] : extentOf(like, first)
  const zeros = constantOfShape(dimsVector(like.graph, [size, size]), { value: tensor([0], [1], like.dtype) })
  const others = like.shape.map((_, i) => i).filter(i => i !== first && i !== second)
  return others.length === 0 ? eyeLike(zeros) : unsqueeze(eyeLike(zeros), others)
}

/** Sums products of the operands' elements as the equation says: `'bij,bjk->bik'`, with `...` for any leading axes. */
export const einsum = defineOp('Einsum', {
  inputs: ['Inputs*'],
  attrs: { equation: string.required() },
  // Axes of extent 1 meet longer ones, under an ellipsis or a letter.
  broadcast: true,
  infer: ({ Inputs }, { equation }, where) => {
    const shapes = Inputs.map(x => x.shape)
    const parsed = parseEquation(
      equation,
      shapes.map(shape => shape.length),
      where,
    )
    const dims = extents(parsed, shapes, where)
    return { dtype: sameDtype(Inputs, where), shape: [...parsed.output].map(letter => dims.get(letter)!) }
  },
  vjp: {
    Inputs: (g, { in: { Inputs }, attrs: { equation }, position, node }): Value => {
      const { terms, output } = parseEquation(
        equation,
        Inputs.map(x => x.shape.length),
        node.name,
      )
      const others = Inputs.map((value, i) => ({ value, term: terms[i]! })).filter((_, i) => i !== position)
      return operandGradient([{ value: g, term: output }, ...others], Inputs[position]!, terms[position]!)
    },
  },
  perExample: {
    Inputs: (g, { in: { Inputs }, attrs: { equation }, position, node }): Value => {
      const { terms, output } = parseEquation(
        equation,
        Inputs.map(x => x.shape.length),
        node.name,
      )
      const own = terms[position]!
      const example = output[0]
      if (example === undefined || own.includes(example) || new Set(own).size < own.length)
        throw new GraphError({
          code: 'per-example',
          where: node.name,
          expected: 'a parameter without the letter of the examples (first of the output) and without repeated letters',
          received: equation,
        })
      const others = terms.filter((_, i) => i !== position)
      const present = [output, ...others].join('')
      const kept = [...own].filter(letter => present.includes(letter)).join('')
      const each = einsum([g, ...Inputs.filter((_, i) => i !== position)], {
        equation: write({ terms: [output, ...others], output: example + kept }),
      })
      // A letter that only the parameter has stands for equal gradients along it.
      const repeated = sizeOf(Inputs[position]!.shape.filter((_, i) => !present.includes(own[i]!)))
      return repeated === 1 ? squaredNorms(each) : mul(squaredNorms(each), repeated)
    },
  },
  samples: [
    { inputs: { Inputs: [normal([2, 3]), normal([3, 4])] }, attrs: { equation: 'ij,jk->ik' } },
    { inputs: { Inputs: [normal([2, 3]), normal([3, 4])] }, attrs: { equation: 'ij, jk' } },
    { inputs: { Inputs: [normal([2, 3])] }, attrs: { equation: 'ij->ji' } },
    { inputs: { Inputs: [normal([2, 3])] }, attrs: { equation: 'ij->i' } },
    { inputs: { Inputs: [normal([3, 3])] }, attrs: { equation: 'ii->' } },
    { inputs: { Inputs: [normal([2, 3, 3])] }, attrs: { equation: '...ii->...i' } },
    { inputs: { Inputs: [normal([2, 3]), normal([3, 4]), normal([4])] }, attrs: { equation: 'ij,jk,k->i' } },
    { inputs: { Inputs: [normal([3, 2, 4]), normal([1, 4, 2])] }, attrs: { equation: '...ij,...jk->...ik' } },
    { inputs: { Inputs: [normal([3, 3, 2, 3])] }, attrs: { equation: 'iiji->j' } },
    { inputs: { Inputs: [normal([2, 3]), normal([2, 3])] }, attrs: { equation: '...,...->...' } },
    { inputs: { Inputs: [normal([3, 2, 4]), normal([1, 4, 2])] }, attrs: { equation: 'bij,bjk->bik' } },
    { inputs: { Inputs: [normal([1, 2, 4]), normal([3, 4, 2])] }, attrs: { equation: '...ij,...jk->...ik' } },
    { inputs: { Inputs: [normal([2, 3]), normal([4])] }, attrs: { equation: 'ij,k->k' } },
    { inputs: { Inputs: [normal([2]), normal([3])] }, attrs: { equation: 'i,j->ji' } },
  ],
})
