import type { AttrValue, Node, Value } from '../graph.js'
import { copyNode, rewrite, type Traced } from '../rewrite.js'
import { bytesOf, type Tensor } from '../tensor.js'
import { isDeterministic } from './deterministic.js'

/** Constants up to this many bytes are compared by content; larger ones are equal only if they are the same tensor. */
const COMPARED_BYTES = 65_536

/** Computes once what the graph computes several times: nodes of one operator with equal attributes and inputs. */
export function commonSubexpressions(traced: Traced): Traced {
  const identify = identifier()
  const constants = new Map<string, Value>()
  const known = new Map<string, readonly Value[]>()
  const numbers = new Map<Value, number>()
  /** One value stands for all constants of equal content. */
  const canonical = (value: Value): Value => {
    if (value.constant === null) return value
    const key = identify(value.constant)
    const first = constants.get(key)
    if (first === undefined) constants.set(key, value)
    return first ?? value
  }
  const numberOf = (value: Value | null): number => {
    if (value === null) return -1
    const number = numbers.get(value) ?? numbers.size
    numbers.set(value, number)
    return number
  }
  return rewrite(traced, (node, given, to) => {
    const inputs = given.map(input => (input === null ? null : canonical(input)))
    if (!isDeterministic(node)) return copyNode(node, inputs, to).outputs
    const key = `${keyOf(node, identify)}(${inputs.map(numberOf).join()})`
    const before = known.get(key)
    if (before !== undefined) return before
    const { outputs } = copyNode(node, inputs, to)
    known.set(key, outputs)
    return outputs
  })
}

function keyOf(node: Node, identify: (t: Tensor) => string): string {
  const attrs = Object.entries(node.attrs).map(([name, value]) => `${name}=${attrKey(value, identify)}`)
  return `${node.domain}.${node.op}/${node.outputs.length}${node.stopGradient ? '!' : ''}{${attrs.join(';')}}`
}

function attrKey(value: AttrValue | undefined, identify: (t: Tensor) => string): string {
  if (typeof value === 'object' && 'dtype' in value) return identify(value)
  return Object.is(value, -0) ? '-0' : (JSON.stringify(value) ?? '')
}

/** Texts that are equal for equal tensors, bit for bit (0 and −0 differ), and for no others. */
function identifier(): (t: Tensor) => string {
  const texts = new Map<Tensor, string>()
  const buckets = new Map<number, Uint8Array[]>()
  const large = new Map<object, number>()
  const content = (t: Tensor): string => {
    if (!ArrayBuffer.isView(t.data)) return JSON.stringify(t.data)
    const bytes = bytesOf(t)
    if (bytes.length > COMPARED_BYTES) {
      if (!large.has(t.data)) large.set(t.data, large.size)
      return `#${large.get(t.data)}`
    }
    if (bytes.length <= 32) return bytes.join()
    const hash = hashOf(bytes)
    const bucket = buckets.get(hash) ?? []
    let at = bucket.findIndex(other => equalBytes(other, bytes))
    if (at < 0) at = bucket.push(bytes) - 1
    buckets.set(hash, bucket)
    return `~${hash}.${at}`
  }
  return t => {
    const known = texts.get(t)
    if (known !== undefined) return known
    const text = `${t.dtype}[${t.shape}]${content(t)}`
    texts.set(t, text)
    return text
  }
}

/** FNV-1a. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
  return hash >>> 0
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
