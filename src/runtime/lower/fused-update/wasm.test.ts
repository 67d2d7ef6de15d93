import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Body, kernelModule } from './kernel.js'
import { float32, signed, types, unsigned, wasm, wasmModule } from './wasm.js'

const instantiate = async (bytes: Uint8Array<ArrayBuffer>, memory = new WebAssembly.Memory({ initial: 1 })) => {
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } })
  return { exports: instance.exports as Record<string, (...args: number[]) => void>, memory }
}

describe('numbers in the binary format', () => {
  test('are LEB128, as in the specification of DWARF', () => {
    expect([2, 127, 128, 129, 12857].map(unsigned)).toEqual([[2], [127], [0x80, 1], [0x81, 1], [0xb9, 0x64]])
    expect([2, -2, 127, -127, 128, -128, -129].map(signed)).toEqual([
      [2],
      [0x7e],
      [0xff, 0],
      [0x81, 0x7f],
      [0x80, 1],
      [0x80, 0x7f],
      [0xff, 0x7e],
    ])
  })

  test('reach a function as they were', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.float(), fc.integer({ min: 0, max: 4000 }), async (a, b, offset) => {
        const { get, i32, v128 } = wasm
        const code = [...get(0), ...v128.lanes(a, 1, 2, a), ...v128.store(16 * offset)]
        const other = [...get(0), ...i32.const(a), ...i32.add, ...v128.splat(float32(b)), ...v128.store()]
        const place = { parameters: 1, locals: [types.v128], code }
        const { exports, memory } = await instantiate(
          wasmModule([place, { parameters: 1, locals: [], code: other }], { place: 0, splat: 1 }),
        )
        exports.place!(32)
        expect([...new Int32Array(memory.buffer, 32 + 16 * offset, 4)]).toEqual([a, 1, 2, a])
        exports.splat!(64 - a)
        expect([...new Float32Array(memory.buffer, 64, 4)]).toEqual([b, b, b, b])
      }),
    )
  })
})

describe('a kernel', () => {
  const sumInto = (reduction: 'sum' | 'greatest' | 'norm' | 'mean'): Body => [
    { do: 'load', operand: 0, scalar: false },
    { do: 'reduce', reduction, value: 0, operand: 1 },
  ]

  test('does not let the padding into a reduction, for every length', async () => {
    for (const [reduction, expected] of [
      ['sum', (n: number) => (-n * (n + 1)) / 2],
      ['greatest', () => -1],
      ['mean', (n: number) => -(n + 1) / 2],
      ['norm', (n: number) => Math.fround(Math.sqrt((n * (n + 1) * (2 * n + 1)) / 6))],
    ] as const)
      for (let n = 1; n <= 9; n++) {
        const { exports, memory } = await instantiate(kernelModule([sumInto(reduction)], [{ body: 0, record: 0 }]))
        new Int32Array(memory.buffer, 512, 3).set([n, 0, 256])
        const values = new Float32Array(memory.buffer, 0, 128).fill(Number.NaN)
        for (let i = 0; i < n; i++) values[i] = -(i + 1)
        exports.run!(512)
        expect(values[64]).toBe(expected(n))
      }
  })

  test('sums in double precision', async () => {
    const n = 100_000
    const memory = new WebAssembly.Memory({ initial: 8 })
    const { exports } = await instantiate(kernelModule([sumInto('sum')], [{ body: 0, record: 0 }]), memory)
    new Float32Array(memory.buffer, 256, n).fill(0.1)
    new Int32Array(memory.buffer, 0, 3).set([n, 256, 128])
    exports.run!(0)
    expect(new Float32Array(memory.buffer)[32]).toBe(Math.fround(n * Math.fround(0.1)))
  })

  test('keeps what is written beyond the last element within the padding', async () => {
    const body: Body = [
      { do: 'number', value: 7 },
      { do: 'store', operand: 0, value: 0 },
    ]
    for (let n = 1; n <= 9; n++) {
      const { exports, memory } = await instantiate(kernelModule([body], [{ body: 0, record: 0 }]))
      new Int32Array(memory.buffer, 512, 2).set([n, 16])
      exports.run!(512)
      const values = new Float32Array(memory.buffer, 0, 32)
      expect(values.indexOf(7)).toBe(4)
      expect(values.filter(x => x === 7).length).toBe(4 * Math.ceil(n / 4))
    }
  })

  test('flush sets what is too small to zero, with its sign, and leaves the rest as it is', async () => {
    const { exports, memory } = await instantiate(kernelModule([], []))
    const values = new Float32Array(memory.buffer, 64, 8)
    values.set([1e-40, -1e-40, 0, -0, 1.2e-38, -1.2e-38, Number.NaN, -Infinity])
    exports.flush!(64, 32)
    const least = Math.fround(1.2e-38)
    expect([...values]).toEqual([0, -0, 0, -0, least, -least, Number.NaN, -Infinity])
  })
})
