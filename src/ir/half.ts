/** Half-precision numbers, which JavaScript of this age has no array for: they are kept as their bits. */

/** The bits of the float16 nearest to `x`; ties go to the even one. */
export function toFloat16(x: number): number {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0
  const size = Math.abs(x)
  if (Number.isNaN(x)) return 0x7e00
  // Half of the step beyond the largest number, and everything above, is infinity.
  if (size >= 65520) return sign | 0x7c00
  const exponent = Math.max(-14, Math.floor(Math.log2(size)))
  // Steps of the last place: below 2^-14 all are 2^-24.
  const scaled = roundHalfEven(size / 2 ** (exponent - 10))
  return sign | (size < 2 ** -14 ? scaled : ((exponent + 14) << 10) + scaled)
}

/** The number that float16 bits stand for. */
export function fromFloat16(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 31
  const fraction = half & 0x3ff
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25))
}

/** The bits of the bfloat16 nearest to `x`: the upper half of a float32; ties go to the even one. */
export function toBfloat16(x: number): number {
  if (Number.isNaN(x)) return 0x7fc0
  const all = new Uint32Array(Float32Array.of(x).buffer)[0]!
  return (all + 0x7fff + ((all >>> 16) & 1)) >>> 16
}

/** The number that bfloat16 bits stand for. */
export function fromBfloat16(half: number): number {
  return new Float32Array(Uint32Array.of(half << 16).buffer)[0]!
}

function roundHalfEven(x: number): number {
  const below = Math.floor(x)
  const rest = x - below
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below
}
