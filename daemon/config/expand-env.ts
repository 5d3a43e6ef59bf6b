/** A text in which variables were replaced, and where each part of it comes from. */
export interface ExpandedText {
  readonly text: string
  /** Offset in the given text of an offset in `text`. */
  origin(offset: number): number
  /** Offsets in the given text of variables that the environment does not have. */
  readonly unset: readonly { readonly name: string; readonly offset: number }[]
}

interface Segment {
  /** Offsets where it begins. */
  readonly at: number
  readonly from: number
  /** Copied, not replaced. */
  readonly literal: boolean
}

// Go's getShellName: ${*} and the like, ${NAME}, a ${ that is never closed, $* and $1, $NAME.
const REFERENCE = /\$(?:\{([*#$@!?\-0-9])\}|\{([^}]*)\}|(\{)|([*#$@!?\-0-9])|([A-Za-z0-9_]+))/g

/**
 * Replace `$NAME` and `${NAME}` as Go's `os.Expand` does: unset becomes empty, `${}` and an unclosed `${` vanish, a
 * `$` before anything else stays. There is no escape.
 *
 * @param lookup undefined for a variable that is not set
 * @see facts 8.6
 */
export function expandEnv(text: string, lookup: (name: string) => string | undefined): ExpandedText {
  const segments: Segment[] = []
  const unset: { name: string; offset: number }[] = []
  let out = ''
  let copied = 0
  for (const match of text.matchAll(REFERENCE)) {
    segments.push({ at: out.length, from: copied, literal: true })
    out += text.slice(copied, match.index)
    segments.push({ at: out.length, from: match.index, literal: false })
    const name = match[1] ?? match[2] ?? match[4] ?? match[5] ?? ''
    const value = name === '' ? '' : lookup(name)
    if (value === undefined) unset.push({ name, offset: match.index })
    out += value ?? ''
    copied = match.index + match[0].length
  }
  segments.push({ at: out.length, from: copied, literal: true })
  out += text.slice(copied)
  return { text: out, unset, origin: (offset) => originIn(segments, offset) }
}

/** The text as it stands. */
export function unexpanded(text: string): ExpandedText {
  return { text, unset: [], origin: (offset) => offset }
}

function originIn(segments: readonly Segment[], offset: number): number {
  let low = 0
  let high = segments.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (segments[middle]!.at <= offset) low = middle
    else high = middle - 1
  }
  const segment = segments[low]!
  return segment.literal ? segment.from + offset - segment.at : segment.from
}
