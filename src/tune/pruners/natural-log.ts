const BITS = 128n
const ONE = 1n << BITS

/** 2 · artanh(n/d), in units of 2^−BITS. */
function twiceArtanh(n: bigint, d: bigint): bigint {
  const z = (n << BITS) / d
  const square = (z * z) >> BITS
  let sum = 0n
  for (let power = z, k = 1n; power !== 0n; power = (power * square) >> BITS, k += 2n) sum += power / k
  return 2n * sum
}

/**
 * The natural logarithm of a finite number ≥ 1, rounded correctly, as C libraries round it. `Math.log` is one unit in the
 * last place off for some (3 among them), which tells where a quotient of two stands at a whole number.
 */
export function naturalLog(x: number): number {
  let exponent = 0
  let mantissa = x
  while (mantissa >= 2) {
    mantissa /= 2
    exponent++
  }
  const m = BigInt(mantissa * 2 ** 52)
  const one = 1n << 52n
  return toNumber(BigInt(exponent) * twiceArtanh(1n, 3n) + twiceArtanh(m - one, m + one))
}

/** A fixed-point number as the float nearest to it. */
function toNumber(fixed: bigint): number {
  // BigInt to Number rounds correctly, and the scale is a power of two.
  return Number(fixed) / Number(ONE)
}
