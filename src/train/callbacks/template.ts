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
      ? value.toFixed(0)
      : type === 'f'
        ? value.toFixed(precision)
        : type === '%'
          ? `${(value * 100).toFixed(precision)}%`
          : type === 'e'
            ? twoDigits(value.toExponential(precision))
            : type === 'g' || digits !== undefined
              ? general(value, precision || 1)
              : String(value)
  if (text.length >= Number(width)) return text
  if (zero === undefined) return text.padStart(Number(width))
  const sign = text.startsWith('-') ? '-' : ''
  return sign + text.slice(sign.length).padStart(Number(width) - sign.length, '0')
}

/** Python writes exponents with at least two digits. */
const twoDigits = (text: string): string => text.replace(/e([+-])(\d)$/, 'e$10$2')

/** Significant digits, without trailing zeros; an exponent where the number is very small or large. */
function general(value: number, precision: number): string {
  if (!Number.isFinite(value)) return String(value)
  const exponent = value === 0 ? 0 : Number(value.toExponential(precision - 1).split('e')[1])
  const trimmed = (text: string) => (text.includes('.') ? text.replace(/\.?0+(?=e|$)/, '') : text)
  return exponent < -4 || exponent >= precision
    ? twoDigits(trimmed(value.toExponential(precision - 1)))
    : trimmed(value.toFixed(precision - 1 - exponent))
}
