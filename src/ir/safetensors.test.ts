import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { type DType, decodeSafetensors, dtypes, encodeSafetensors, FormatError, type Tensor, tensor } from './index.js'

const file = new URL('../../../shared/models/cifar8-resnet.safetensors', import.meta.url)
const numeric = (Object.keys(dtypes) as DType[]).filter(dtype => dtype !== 'string')

/** A file with the given header text and data, for headers no encoder writes. */
function handMade(header: string, data = new Uint8Array(0)): Uint8Array {
  const text = new TextEncoder().encode(header)
  const out = new Uint8Array(8 + text.length + data.length)
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true)
  out.set(text, 8)
  out.set(data, 8 + text.length)
  return out
}
const refused = (bytes: Uint8Array): FormatError => {
  try {
    decodeSafetensors(bytes)
  } catch (error) {
    if (error instanceof FormatError) return error
    throw error
  }
  throw new Error('was accepted')
}
const f32 = (shape: number[], offsets: number[], dtype = 'F32') =>
  JSON.stringify({ dtype, shape, data_offsets: offsets })

const sample: Record<string, Tensor> = {
  'dense/kernel': tensor([
    [1, -2.5, 3],
    [0, 1e-40, Number.POSITIVE_INFINITY],
  ]),
  step: tensor(BigInt64Array.of(-(2n ** 63n)), []),
  flags: tensor([true, false, true]),
  none: tensor(new Float64Array(0), [3, 0]),
}

describe('safetensors', () => {
  test('what is encoded decodes to the same tensors and metadata, whatever the dtype', () => {
    const any = fc.dictionary(
      fc.string().filter(name => name !== '__metadata__'),
      fc.tuple(fc.constantFrom(...numeric), fc.array(fc.nat(3), { maxLength: 3 }), fc.infiniteStream(fc.nat(1))),
    )
    fc.assert(
      fc.property(any, fc.dictionary(fc.string(), fc.string()), (drawn, metadata) => {
        const tensors = Object.fromEntries(
          Object.entries(drawn).map(([name, [dtype, shape, stream]]) => {
            const size = shape.reduce((a, b) => a * b, 1)
            return [
              name,
              tensor(
                Array.from({ length: size }, () => stream.next().value as number),
                shape,
                dtype,
              ),
            ]
          }),
        )
        const decoded = decodeSafetensors(encodeSafetensors(tensors, metadata))
        expect(decoded.metadata).toEqual(metadata)
        expect(decoded.tensors).toEqual(tensors)
      }),
      { numRuns: 100 },
    )
  })

  test('data begins at a multiple of 8 and every tensor at a multiple of its element', () => {
    const bytes = encodeSafetensors(sample, { format: 'anneal' })
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true))
    expect(length % 8).toBe(0)
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))
    expect(header['dense/kernel'].data_offsets[0] % 4).toBe(0)
    expect(header.step.data_offsets).toEqual([0, 8])
  })

  test('tensors do not share memory with the file', () => {
    const bytes = encodeSafetensors(sample)
    const { tensors } = decodeSafetensors(Buffer.from(bytes))
    bytes.fill(0)
    expect(tensors).toEqual(sample)
    expect(decodeSafetensors(Buffer.concat([Buffer.from([7]), encodeSafetensors(sample)]).subarray(1)).tensors).toEqual(
      sample,
    )
  })

  it.each([
    ['a file without a header', new Uint8Array(7), 'cut-short'],
    ['a header longer than the file', handMade('{}').fill(0xff, 0, 8), 'header-length'],
    ['a header that is no JSON', handMade('{"a":'), 'header'],
    ['a header that is no object', handMade('[]'), 'header'],
    ['a header that begins with a space', handMade(' {}'), 'header'],
    ['text that is not UTF-8', handMade('{}').with(8, 0xff), 'header'],
    ['nested beyond measure', handMade(`{"a":${'['.repeat(100_000)}`), 'header'],
    ['a dtype nobody knows', handMade(`{"a":${f32([1], [0, 4], 'F31')}}`, new Uint8Array(4)), 'unsupported-dtype'],
    ['negative extents', handMade(`{"a":${f32([-1, -1], [0, 4])}}`, new Uint8Array(4)), 'bad-dims'],
    ['fractions', handMade(`{"a":${f32([0.5], [0, 2])}}`, new Uint8Array(2)), 'bad-dims'],
    ['a product beyond 2^53', handMade(`{"a":${f32([2 ** 40, 2 ** 40], [0, 4])}}`, new Uint8Array(4)), 'bad-dims'],
    ['more elements than bytes', handMade(`{"a":${f32([2], [0, 4])}}`, new Uint8Array(4)), 'offsets'],
    ['data beyond the end', handMade(`{"a":${f32([2], [0, 8])}}`, new Uint8Array(4)), 'cut-short'],
    ['absurd sizes', handMade(`{"a":${f32([2 ** 50], [0, 2 ** 52])}}`, new Uint8Array(4)), 'cut-short'],
    ['offsets the wrong way round', handMade(`{"a":${f32([1], [4, 0])}}`, new Uint8Array(4)), 'offsets'],
    ['overlap', handMade(`{"a":${f32([1], [0, 4])},"b":${f32([1], [2, 6])}}`, new Uint8Array(6)), 'offsets'],
    ['a gap', handMade(`{"a":${f32([1], [0, 4])},"b":${f32([1], [8, 12])}}`, new Uint8Array(12)), 'offsets'],
    ['bytes nobody owns', handMade(`{"a":${f32([1], [0, 4])}}`, new Uint8Array(5)), 'offsets'],
    [
      'a name twice',
      handMade(`{"a":${f32([1], [0, 4])},"\\u0061":${f32([1], [0, 4])}}`, new Uint8Array(4)),
      'duplicate-name',
    ],
    [
      'a key twice in an entry',
      handMade(`{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, new Uint8Array(4)),
      'duplicate-name',
    ],
    ['metadata that is not text', handMade('{"__metadata__":{"a":1}}'), 'header'],
    ['a boolean of 2', handMade(`{"a":${f32([1], [0, 1], 'BOOL')}}`, Uint8Array.of(2)), 'value-range'],
  ])('refuses %s', (_, bytes, code) => {
    expect(refused(bytes).code).toBe(code)
  })

  test('a name such as __proto__ is a name like any other', () => {
    const bytes = handMade(`{"__proto__":${f32([1], [0, 4])}}`, new Uint8Array(4))
    expect(Object.keys(decodeSafetensors(bytes).tensors)).toEqual(['__proto__'])
  })

  test('cut short at any byte, a file is refused', () => {
    const bytes = encodeSafetensors(sample, { format: 'anneal' })
    for (let end = 0; end < bytes.length; end++) expect(refused(bytes.slice(0, end))).toBeInstanceOf(FormatError)
  })

  test('with bytes changed, a file is read or refused, but nothing else happens', () => {
    const bytes = encodeSafetensors(sample, { format: 'anneal' })
    const edits = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(edits, changes => {
        const changed = bytes.slice()
        for (const [at, value] of changes) changed[at] = value
        try {
          decodeSafetensors(changed)
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError)
        }
      }),
      { numRuns: 2000, seed: 1 },
    )
  })

  test.skipIf(!existsSync(file))(
    `reads a file that PyTorch's users wrote${existsSync(file) ? '' : ' (skipped: ../shared/models is not there)'}`,
    () => {
      const { tensors, metadata } = decodeSafetensors(readFileSync(file))
      expect(metadata).toEqual({ format: 'pt' })
      expect(Object.keys(tensors)).toHaveLength(56)
      expect(tensors['fc.weight']).toMatchObject({ dtype: 'float32', shape: [8, 96] })
      expect(Object.values(tensors).filter(t => t.dtype === 'int64' && t.shape.length === 0)).toHaveLength(9)
      const parameters = Object.entries(tensors).filter(
        ([name, t]) => t.dtype === 'float32' && !name.includes('running_'),
      )
      expect(parameters.reduce((n, [, t]) => n + t.data.length, 0)).toBe(222_952)
    },
  )
})
