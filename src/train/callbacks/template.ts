import { ConfigError, nearest } from '../../ir/index.js'

const field = /\{\{|\}\}|\{([^{}:]*)(?::([^{}]*))?\}/g
const format = /^(0)?(\d+)?(?:\.(\d+))?([defg%])?$/

/** Checks the formats of a path's fields before training. */
export function checkTemplate(template: string, where: string): void {
  for (const [text, name, spec = ''] of template.matchAll(field))
    if (name !== undefined && !format.test(spec))
      throw new ConfigError({
        code: 'bad-format',
        where,
        expected: 'a format such as 02d or .2f, .3e, .4g, .1%',
        received: text,
      })
}

/**
 * A path with fields filled in as Python does it: `{epoch:02d}-{val_loss:.2f}.onnx`.
 * @throws ConfigError for a field that has no value, listing those that have
 */
export function fillTemplate(template: string, values: Readonly<Record<string, number>>, where: string): string {
  return template.replace(field, (text, name?: string, spec = '') => {
    if (name === undefined) return text[0]!
    if (!Object.hasOwn(values, name))
      throw new ConfigError({
        code: 'unknown-field',
        where,
        expected: `fields ${Object.keys(values).join(', ')}`,
        received: text,
        hint: `did you mean {${nearest(name, Object.keys(values), 1)[0]}}?`,
      })
    return formatNumber(values[name]!, spec)
  })
}

function formatNumber(value: number, spec: string): string {
  const [, zero, width = '0', digits, type] = format.exec(spec)! // checked by checkTemplate
  const precision = digits === undefined ? 6 : Number(digits)
  const text =
    type === 'd'
      ? fixed(value, 0)
      : type === 'f'
        ? fixed(value, precision)
        : type === '%'
          ? `${fixed(value * 100, precision)}%`
          : type === 'e'
            ? exponential(value, precision)
            : type === 'g' || digits !== undefined
              ? general(value, precision || 1)
              : String(value)
  if (text.length >= Number(width)) return text
  if (zero === undefined) return text.padStart(Number(width))
  const sign = text.startsWith('-') ? '-' : ''
  return sign + text.slice(sign.length).padStart(Number(width) - sign.length, '0')
}

/** Decimals as Python rounds them: what lies exactly between two goes to the even digit, where toFixed goes up. */
const fixed = (value: number, digits: number): string =>
  Number.isFinite(value) ? toEven(value.toFixed(100), value.toFixed(digits), digits) : String(value)

/** With an exponent of at least two digits. */
function exponential(value: number, digits: number): string {
  if (!Number.isFinite(value)) return String(value)
  const [exact, power] = value.toExponential(100).split('e') as [string, string]
  const [rounded, after] = value.toExponential(digits).split('e') as [string, string]
  const mantissa = toEven(exact, rounded, digits)
  const exponent = mantissa === rounded ? after : power
  return `${mantissa}e${exponent.replace(/^([+-])(\d)$/, '$10$2')}`
}

function toEven(exact: string, rounded: string, digits: number): string {
  const end = exact.indexOf('.') + (digits === 0 ? 0 : 1 + digits)
  const cut = exact.slice(0, end)
  return /^\.?50*$/.test(exact.slice(end)) && Number(cut.at(-1)) % 2 === 0 ? cut : rounded
}

/** Significant digits, without trailing zeros; an exponent where the number is very small or large. */
function general(value: number, precision: number): string {
  if (!Number.isFinite(value)) return String(value)
  const exponent = value === 0 ? 0 : Number(exponential(value, precision - 1).split('e')[1])
  const trimmed = (text: string) => (text.includes('.') ? text.replace(/\.?0+(?=e|$)/, '') : text)
  return exponent < -4 || exponent >= precision
    ? trimmed(exponential(value, precision - 1))
    : trimmed(fixed(value, precision - 1 - exponent))
}
