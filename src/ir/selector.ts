import { ConfigError, nearest } from './errors.js'

/**
 * Which parameters: a pattern of their paths, several (any of them), or a predicate. In a pattern `*` is any part of one
 * name and `**` any number of names: `encoder/**`, `*_1/kernel`. A pattern without a slash is looked for among the names
 * of the path, wherever they stand: `bias` is every bias, `dense` all of the layer dense. A leading `!` takes out what
 * the patterns before it chose.
 */
export type Selector = string | readonly string[] | ((path: string) => boolean)

/** Whether a selector chooses a path. */
export function matches(selector: Selector, path: string): boolean {
  if (typeof selector === 'function') return selector(path)
  let chosen = false
  for (const pattern of typeof selector === 'string' ? [selector] : selector) {
    const not = pattern.startsWith('!')
    if (matchesOne(not ? pattern.slice(1) : pattern, path)) chosen = !not
  }
  return chosen
}

function matchesOne(pattern: string, path: string): boolean {
  if (!pattern.includes('/') && pattern !== '**') return path.split('/').some(name => glob(pattern).test(name))
  return glob(pattern).test(path)
}

function glob(pattern: string): RegExp {
  const source = pattern
    .split(/(\*\*\/|\/\*\*|\*\*|\*|\?)/)
    .map(part => {
      if (part === '**/') return '(?:.*/)?'
      if (part === '/**') return '(?:/.*)?'
      if (part === '**') return '.*'
      if (part === '*') return '[^/]*'
      if (part === '?') return '[^/]'
      return part.replace(/[.+^${}()|[\]\\]/g, '\\$&')
    })
    .join('')
  return new RegExp(`^${source}$`)
}

/**
 * The paths a selector chooses, in their order.
 * @throws ConfigError where it chooses none, with the paths nearest to it
 */
export function select(selector: Selector, paths: readonly string[], where: string): string[] {
  checkSelector(selector, where)
  const chosen = paths.filter(path => matches(selector, path))
  if (chosen.length > 0) return chosen
  const text = typeof selector === 'function' ? 'a predicate' : String(selector)
  throw new ConfigError({
    code: 'no-match',
    where,
    expected: `a selector of one of the ${paths.length} parameters, say ${nearest(text, paths).join(', ')}`,
    received: text,
    hint: "patterns are paths: 'encoder/**', '**/bias', or a layer's or weight's name alone",
  })
}

/** Refuses what is no selector. @throws ConfigError */
export function checkSelector(selector: unknown, where: string): void {
  const text = (x: unknown) => typeof x === 'string' && x.length > 0
  if (typeof selector === 'function' || text(selector)) return
  if (Array.isArray(selector) && selector.length > 0 && selector.every(text)) return
  throw new ConfigError({
    code: 'bad-selector',
    where,
    expected: 'a pattern, a list of patterns, or a function from path to boolean',
    received: selector,
  })
}
