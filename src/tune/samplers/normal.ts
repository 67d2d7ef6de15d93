/** The standard normal distribution, accurate far into its left tail. */

const SQRT1_2 = Math.SQRT1_2
const LOG_SQRT_2PI = 0.5 * Math.log(2 * Math.PI)

/**
 * The complementary error function for x ≥ 0, relative error below 1e-13.
 * Rational approximations of W. J. Cody, "Rational Chebyshev approximations for the error function", 1969.
 */
function erfcPositive(x: number): number {
  if (x < 0.46875) {
    const z = x * x
    const p =
      (((0.18577770618460315 * z + 3.1611237438705655) * z + 113.86415415105016) * z + 377.485237685302) * z +
      3209.3775891384694
    const q = (((z + 23.601290952344122) * z + 244.02463793444417) * z + 1282.6165260773723) * z + 2844.236833439171
    return 1 - (x * p) / q
  }
  if (x < 4) {
    const p =
      (((((((2.1531153547440383e-8 * x + 0.5641884969886701) * x + 8.883149794388377) * x + 66.11919063714163) * x +
        298.6351381974001) *
        x +
        881.952221241769) *
        x +
        1712.0476126340707) *
        x +
        2051.0783778260716) *
        x +
      1230.3393547979972
    const q =
      (((((((x + 15.744926110709835) * x + 117.6939508913125) * x + 537.1811018620099) * x + 1621.3895745666903) * x +
        3290.7992357334597) *
        x +
        4362.619090143247) *
        x +
        3439.3676741437216) *
        x +
      1230.3393548037495
    return (Math.exp(-x * x) * p) / q
  }
  const z = 1 / (x * x)
  const p =
    ((((0.016315387137302097 * z + 0.30532663496123236) * z + 0.36034489994980445) * z + 0.12578172611122926) * z +
      0.016083785148742275) *
      z +
    0.0006587491615298378
  const q =
    ((((z + 2.568520192289822) * z + 1.8729528499234604) * z + 0.5279051029514285) * z + 0.06051834131244132) * z +
    0.0023352049762686918
  return (Math.exp(-x * x) / x) * (1 / Math.sqrt(Math.PI) - (z * p) / q)
}

/** The probability below x. */
export const cdf = (x: number): number =>
  x <= 0 ? 0.5 * erfcPositive(-x * SQRT1_2) : 1 - 0.5 * erfcPositive(x * SQRT1_2)

/** Its logarithm, where the probability itself is too small to be a number too. */
export function logCdf(x: number): number {
  if (x > -30) return Math.log(cdf(x))
  // Asymptotic series: φ(x)/|x| · (1 − 1/x² + 3/x⁴ − 15/x⁶).
  const z = 1 / (x * x)
  return -0.5 * x * x - LOG_SQRT_2PI - Math.log(-x) + Math.log1p(z * (-1 + z * (3 - 15 * z)))
}

/** The logarithm of the probability between a and b, a ≤ b. */
export function logMass(a: number, b: number): number {
  if (a > 0) return logMass(-b, -a)
  if (b <= 0) {
    const [low, high] = [logCdf(a), logCdf(b)]
    return low === -Infinity && high === -Infinity ? -Infinity : high + Math.log1p(-Math.exp(low - high))
  }
  // Beyond 9 the tails are less than a double's last digit.
  if (a < -9 && b > 9) return 0
  return Math.log1p(-cdf(a) - cdf(-b))
}

/** The density's logarithm. */
export const logDensity = (x: number): number => -0.5 * x * x - LOG_SQRT_2PI

/**
 * The value below which probability p lies, 0 < p ≤ 0.5: Wichura's algorithm AS 241 (1988), about 16 digits.
 */
function quantileBelowHalf(p: number): number {
  const q = p - 0.5
  if (q >= -0.425) {
    const r = 0.180625 - q * q
    return (
      (q *
        (((((((2509.0809287301227 * r + 33430.57558358813) * r + 67265.7709270087) * r + 45921.95393154987) * r +
          13731.69376550946) *
          r +
          1971.5909503065513) *
          r +
          133.14166789178438) *
          r +
          3.3871328727963665)) /
      (((((((5226.495278852854 * r + 28729.085735721943) * r + 39307.89580009271) * r + 21213.794301586597) * r +
        5394.196021424751) *
        r +
        687.1870074920579) *
        r +
        42.31333070160091) *
        r +
        1)
    )
  }
  const s = Math.sqrt(-Math.log(p))
  if (s <= 5) {
    const r = s - 1.6
    return -(
      (((((((0.0007745450142783414 * r + 0.022723844989269184) * r + 0.2417807251774506) * r + 1.2704582524523684) * r +
        3.6478483247632045) *
        r +
        5.769497221460691) *
        r +
        4.630337846156546) *
        r +
        1.4234371107496835) /
      (((((((1.0507500716444169e-9 * r + 0.0005475938084995345) * r + 0.015198666563616457) * r + 0.14810397642748008) *
        r +
        0.6897673349851) *
        r +
        1.6763848301838038) *
        r +
        2.053191626637759) *
        r +
        1)
    )
  }
  const r = s - 5
  return -(
    (((((((2.0103343992922881e-7 * r + 0.000027115555687434876) * r + 0.0012426609473880784) * r +
      0.026532189526576124) *
      r +
      0.29656057182850487) *
      r +
      1.7848265399172913) *
      r +
      5.463784911164114) *
      r +
      6.657904643501103) /
    (((((((2.0442631033899397e-15 * r + 1.421511758316446e-7) * r + 0.000018463183175100548) * r +
      0.0007868691311456133) *
      r +
      0.014875361290850615) *
      r +
      0.1369298809227358) *
      r +
      0.599832206555888) *
      r +
      1)
  )
}

/** The value below which probability p lies, 0 < p < 1. */
export const quantile = (p: number): number => (p <= 0.5 ? quantileBelowHalf(p) : -quantileBelowHalf(1 - p))

/** The value at quantile u (0 … 1) of a standard normal distribution cut to [a, b]. */
export function truncatedQuantile(u: number, a: number, b: number): number {
  // In the right tail probabilities are near 1 and lose their digits: look from the other side.
  if (a > 0) return -truncatedQuantile(1 - u, -b, -a)
  const [low, high] = [cdf(a), cdf(b)]
  const p = low + u * (high - low)
  let x: number
  if (!(p > 0)) {
    // Further out than numbers go, the tail falls off like an exponential of slope |b|.
    x = b + Math.log(Math.max(u, 1e-300)) / Math.max(1, -b)
  } else x = p <= 0.5 ? quantileBelowHalf(p) : -quantileBelowHalf(Math.max(1 - p, 1e-300))
  return Math.min(Math.max(x, a), b)
}

/** log Σ exp(x). */
export function logSumExp(x: Float64Array): number {
  let most = -Infinity
  for (let i = 0; i < x.length; i++) if (x[i]! > most) most = x[i]!
  if (most === -Infinity) return -Infinity
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += Math.exp(x[i]! - most)
  return most + Math.log(sum)
}
