import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { allocate, bytesOf, type DType, dtypes, numbersOf, ShapeError, scalarOf, tensor } from './index.js'

describe('tensor', () => {
  test('takes nested numbers, and finds their shape', () => {
    expect(tensor([[1, 2, 3], [4, 5, 6]])).toEqual({ dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }) // biome-ignore format: a matrix
    expect(tensor(5)).toEqual({ dtype: 'float32', shape: [], data: Float32Array.of(5) })
    expect(tensor([])).toEqual({ dtype: 'float32', shape: [0], data: new Float32Array(0) })
    expect(tensor([true, false])).toEqual({ dtype: 'bool', shape: [2], data: Uint8Array.of(1, 0) })
    expect(tensor([[3n]])).toEqual({ dtype: 'int64', shape: [1, 1], data: BigInt64Array.of(3n) })
  })

  test('takes typed arrays as they are, and converts them when another dtype is asked for', () => {
    const data = Int32Array.of(1, 2)
    expect(tensor(data).data).toBe(data)
    expect(tensor(data).dtype).toBe('int32')
    expect(tensor(data, [2, 1], 'float64')).toEqual({ dtype: 'float64', shape: [2, 1], data: Float64Array.of(1, 2) })
    expect(tensor(['a', 'b'])).toEqual({ dtype: 'string', shape: [2], data: ['a', 'b'] })
  })

  it.each([
    ['rows of different lengths', () => tensor([[1, 2], [3]])],
    ['numbers beside rows', () => tensor([[1], 2])],
    ['rows beside numbers', () => tensor([1, [2]])],
    ['a shape of another size', () => tensor([1, 2, 3], [2])],
  ])('refuses %s', (_, make) => {
    expect(make).toThrow(ShapeError)
  })

  test('truth values are 0 and 1, whatever they are made of', () => {
    expect(tensor([0, 2, -1], [3], 'bool').data).toEqual(Uint8Array.of(0, 1, 1))
  })

  test('gives numbers, bytes and a single element back', () => {
    expect(numbersOf(tensor([1n, -2n]))).toEqual([1, -2])
    expect([...bytesOf(tensor([1, 2], [2], 'uint16'))]).toEqual([1, 0, 2, 0])
    expect(scalarOf(tensor([[7]]))).toBe(7)
    expect(() => scalarOf(tensor([1, 2]))).toThrow(ShapeError)
    expect(() => bytesOf(tensor(['a']))).toThrow(ShapeError)
    expect(() => allocate('string', 1)).toThrow(ShapeError)
  })

  test('every dtype keeps small whole numbers exactly', () => {
    const numeric = (Object.keys(dtypes) as DType[]).filter(dtype => dtype !== 'string' && dtype !== 'bool')
    for (const dtype of numeric) expect(numbersOf(tensor([0, 1, 100], [3], dtype))).toEqual([0, 1, 100])
  })
})

// Bits from numpy 2: np.array(x, 'float16').view('uint16'), and ml_dtypes.bfloat16 the same way.
describe('half precision', () => {
  it.each([
    [1, 0x3c00, 0x3f80],
    [-2, 0xc000, 0xc000],
    [1.0009765625, 0x3c01, 0x3f80],
    [1.00048828125, 0x3c00, 0x3f80],
    [1.00146484375, 0x3c02, 0x3f80],
    [65504, 0x7bff, 0x4780],
    [65519.99, 0x7bff, 0x4780],
    [65520, 0x7c00, 0x4780],
    [2 ** -14, 0x0400, 0x3880],
    [2 ** -24, 0x0001, 0x3380],
    [2 ** -25, 0x0000, 0x3300],
    [1.5 * 2 ** -24, 0x0002, 0x33c0],
    [6.1e-5, 0x03ff, 0x3880],
    [3.140625, 0x4248, 0x4049],
    [-0, 0x8000, 0x8000],
    [Number.POSITIVE_INFINITY, 0x7c00, 0x7f80],
    [Number.NEGATIVE_INFINITY, 0xfc00, 0xff80],
    [3.4e38, 0x7c00, 0x7f80],
    [Number.NaN, 0x7e00, 0x7fc0],
  ])('%s has the bits numpy gives it', (x, half, brain) => {
    expect(tensor([x], [1], 'float16').data[0]).toBe(half)
    expect(tensor([x], [1], 'bfloat16').data[0]).toBe(brain)
  })

  test('all bits but those of NaN come back as they were', () => {
    for (const dtype of ['float16', 'bfloat16'] as const) {
      const all = Uint16Array.from({ length: 65_536 }, (_, i) => i)
      const numbers = numbersOf(tensor(all, [65_536], dtype))
      const again = tensor(numbers, [65_536], dtype).data
      const changed = [...all.keys()].filter(i => again[i] !== i && !Number.isNaN(numbers[i]))
      expect(changed).toEqual([])
    }
  })

  test('rounding goes to the nearest of its numbers', () => {
    const spacing = (x: number) => 2 ** (Math.max(-14, Math.floor(Math.log2(Math.abs(x)))) - 10)
    fc.assert(
      fc.property(fc.double({ min: -65_000, max: 65_000, noNaN: true }), x => {
        const [rounded] = numbersOf(tensor([x], [1], 'float16'))
        expect(Math.abs(rounded! - x)).toBeLessThanOrEqual(spacing(x || 1e-9) / 2)
      }),
    )
  })
})
